// Jobs in rows: state, name, whose, how much, where, since when, why. Some may be chosen, to do the same with all of them.
// Used by JobsPage and ArrayView.
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { Time } from "../../components/Time";
import { endInWords, gpusAsked, gpusInWords } from "../../data/job";
import type { Job } from "../../data/shapes";
import { withAll, withOne } from "./chosen";
import { JobStateBadge } from "./JobStateBadge";
import { sentence } from "./reason-words";
import { took } from "./took";
import classes from "./JobsTable.module.css";

export interface Choosing {
  /** Ids. */
  readonly chosen: ReadonlySet<string>;
  readonly may: (job: Job) => boolean;
  readonly onChange: (chosen: ReadonlySet<string>) => void;
}

interface Props {
  readonly jobs: readonly Job[];
  /** Epoch milliseconds. */
  readonly now: number;
  readonly label: string;
  /** Whether what is shown is what was asked for before. */
  readonly stale?: boolean;
  readonly choosing?: Choosing | undefined;
}

export function JobsTable({ jobs, now, label, stale = false, choosing }: Props) {
  const free = choosing === undefined ? [] : jobs.filter(choosing.may).map(({ id }) => id);
  const all = choosing !== undefined && free.length > 0 && free.every((id) => choosing.chosen.has(id));
  return (
    <div className={classes.scroll} data-stale={stale || undefined}>
      <table className={classes.table} aria-label={label} data-choosing={choosing !== undefined || undefined}>
        <thead>
          <tr>
            {choosing !== undefined && (
              <th scope="col" className={classes.choose}>
                <input
                  type="checkbox"
                  aria-label="Choose all that may be canceled"
                  checked={all}
                  disabled={free.length === 0}
                  onChange={() => choosing.onChange(withAll(choosing.chosen, free, !all))}
                />
              </th>
            )}
            <th scope="col">State</th>
            <th scope="col">Job</th>
            <th scope="col">Owner</th>
            <th scope="col" className={classes.number}>
              GPUs
            </th>
            <th scope="col">Node</th>
            <th scope="col">Submitted</th>
            <th scope="col" className={classes.number}>
              Ran
            </th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {jobs.map((job) => (
            <One key={job.id} job={job} now={now} choosing={choosing} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function One({ job, now, choosing }: { readonly job: Job; readonly now: number; readonly choosing: Choosing | undefined }) {
  const ran = took(job, now);
  const why = whyOf(job);
  const name = job.name === "" ? job.id : job.name;
  const chosen = choosing?.chosen.has(job.id) === true;
  return (
    <tr data-chosen={chosen || undefined} data-ran={ran !== null || undefined}>
      {choosing !== undefined && (
        <td className={classes.choose}>
          {choosing.may(job) && (
            <input
              type="checkbox"
              aria-label={`Choose ${name} ${job.id}`}
              checked={chosen}
              onChange={() => choosing.onChange(withOne(choosing.chosen, job.id))}
            />
          )}
        </td>
      )}
      <td className={classes.state}>
        <JobStateBadge state={job.state} />
      </td>
      <td className={classes.name}>
        <Link to={paths.job(job.id)}>{name}</Link>
        {job.name !== "" && <span className={classes.id}>{job.id}</span>}
      </td>
      <td className={classes.owner}>{job.owner}</td>
      <td className={`${classes.number ?? ""} ${classes.gpus ?? ""}`} title={gpusInWords(job.spec)}>
        {Number(gpusAsked(job.spec).toFixed(3))}
        <span className={classes.unit}> {job.spec.gpus === 1 && job.spec.nodes === 1 ? "GPU" : "GPUs"}</span>
      </td>
      <td className={classes.node}>{job.node === null ? "" : <Link to={paths.node(job.node.split(",")[0] ?? "")}>{job.node}</Link>}</td>
      <td className={classes.submitted}>
        <Time at={job.submitted_at} />
      </td>
      <td className={`${classes.number ?? ""} ${classes.ran ?? ""}`}>{ran?.said ?? ""}</td>
      <td className={classes.why} title={why}>
        {why}
      </td>
    </tr>
  );
}

function whyOf(job: Job): string {
  const end = job.state === "SUCCEEDED" ? null : endInWords(job);
  if (end === null || job.reason.includes(end)) return sentence(job.reason);
  return sentence(job.reason === "" ? end : `${end}: ${job.reason}`);
}
