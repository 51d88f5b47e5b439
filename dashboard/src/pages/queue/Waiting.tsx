// Jobs that wait: those that wait for the same are told of once, and folded where they are many; or one by one, in order.
// Used by QueuePage.
import { useState } from "react";
import { Time } from "../../components/Time";
import { Unknown } from "../../components/Unknown";
import { gpusAsked, gpusInWords } from "../../data/job";
import type { Why } from "../../data/shapes";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { sentence } from "../jobs/reason-words";
import { inSight, type Group, type Row } from "./reasons";
import { whyUnknown } from "./start-words";
import type { Starts } from "./starts";
import classes from "./Waiting.module.css";

interface Props {
  readonly groups: readonly Group[];
  /** Whether each row says why it waits, and no group does. */
  readonly oneByOne?: boolean;
  /** null: no start is told of these. */
  readonly starts: Starts | null;
  /** Of which the start was asked for. */
  readonly asked: ReadonlySet<string>;
  readonly label: string;
}

export function Waiting({ groups, oneByOne = false, starts, asked, label }: Props) {
  return (
    <table className={classes.table} aria-label={label} data-starts={starts !== null || undefined}>
      <thead>
        <tr>
          <th scope="col" className={classes.place}>
            #
          </th>
          <th scope="col">Job</th>
          <th scope="col" className={classes.owner}>
            Owner
          </th>
          <th scope="col" className={classes.gpus}>
            GPUs
          </th>
          {starts !== null && (
            <th scope="col" className={classes.start}>
              Thought to start
            </th>
          )}
          <th scope="col" className={classes.since}>
            Submitted
          </th>
        </tr>
      </thead>
      {groups.map((group) => (
        <Rows key={group.reason} {...{ group, oneByOne, starts, asked }} />
      ))}
    </table>
  );
}

function Rows({ group, oneByOne, starts, asked }: Omit<Props, "groups" | "label" | "oneByOne"> & { group: Group; oneByOne: boolean }) {
  const [open, setOpen] = useState(false);
  const { reason, rows } = group;
  const few = oneByOne ? Math.min(rows.length, 50) : inSight(rows.length);
  const columns = starts === null ? 5 : 6;
  return (
    <tbody>
      {!oneByOne && (
        <tr className={classes.reason}>
          <th scope="rowgroup" colSpan={columns}>
            {rows.length > 1 && <span className={classes.many}>{rows.length} jobs</span>}
            {sentence(reason)}
          </th>
        </tr>
      )}
      {rows.slice(0, open ? rows.length : few).map((row) => (
        <One key={row.job.id} row={row} oneByOne={oneByOne} starts={starts} asked={asked.has(row.job.id)} />
      ))}
      {few < rows.length && (
        <tr className={classes.more}>
          <td colSpan={columns}>
            <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
              {open ? "Show fewer" : `Show the other ${rows.length - few}`}
            </button>
          </td>
        </tr>
      )}
    </tbody>
  );
}

function One({ row: { job, place }, oneByOne, starts, asked }: { row: Row; oneByOne: boolean; starts: Starts | null; asked: boolean }) {
  return (
    <tr>
      <td className={classes.place}>{place ?? ""}</td>
      <td className={classes.job}>
        <Link to={paths.job(job.id)}>{job.name === "" ? job.id : job.name}</Link>
        {job.array !== null && <span className={classes.quiet}>task {job.array.index}</span>}
        {job.spec.priority !== 0 && <span className={classes.quiet}>priority {job.spec.priority}</span>}
        {oneByOne && (
          <div className={classes.why} title={job.reason}>
            {sentence(job.reason || "It is looked at in a moment.")}
          </div>
        )}
      </td>
      <td className={classes.owner}>{job.owner}</td>
      <td className={classes.gpus} title={gpusInWords(job.spec)}>
        {Number(gpusAsked(job.spec).toFixed(2))}
        <span className={classes.unit}> GPUs</span>
      </td>
      {starts !== null && (
        <td className={classes.start}>
          {asked ? <Begins why={starts.get(job.id)} /> : <span className={classes.quiet}>not asked for</span>}
        </td>
      )}
      <td className={classes.since}>
        <Time at={job.submitted_at} />
      </td>
    </tr>
  );
}

function Begins({ why }: { readonly why: Why | undefined }) {
  if (why === undefined) return <span className={classes.quiet}>asked…</span>;
  if (why.estimated_start !== null) {
    return (
      <span title={why.basis}>
        <Time at={why.estimated_start} />
      </span>
    );
  }
  return (
    <span className={classes.quiet} title={why.basis}>
      <Unknown {...(why.basis === "" ? {} : { why: why.basis })} /> {whyUnknown(why.basis)}
    </span>
  );
}
