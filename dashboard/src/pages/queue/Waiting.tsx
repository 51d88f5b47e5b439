// Jobs that wait, in order. Used by QueuePage.
import { Time } from "../../components/Time";
import { Unknown } from "../../components/Unknown";
import { gpusInWords } from "../../data/job";
import type { Job } from "../../data/shapes";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import type { Start } from "./starts";
import classes from "./Rows.module.css";

interface Props {
  /** `place` null: not in line. */
  readonly rows: readonly { readonly job: Job; readonly place: number | null }[];
  /** null: no start is told of these. */
  readonly starts: ReadonlyMap<string, Start> | null;
  /** Of how many the start was asked for. */
  readonly told: number;
}

export function Waiting({ rows, starts, told }: Props) {
  return (
    <ol className={classes.rows}>
      {rows.map(({ job, place }, at) => (
        <li key={job.id}>
          <span className={classes.place}>{place ?? ""}</span>
          <div className={classes.words}>
            <div className={classes.line}>
              <Link to={paths.job(job.id)}>{job.name === "" ? job.id : job.name}</Link>
              <span>{job.owner}</span>
              <span className={classes.size}>{gpusInWords(job.spec)}</span>
              {job.spec.priority !== 0 && <span className={classes.quiet}>priority {job.spec.priority}</span>}
              {job.array !== null && <span className={classes.quiet}>task {job.array.index}</span>}
              <span className={classes.end}>
                {starts !== null && at < told && <Begins start={starts.get(job.id)} />}
              </span>
            </div>
            <div className={classes.line}>
              <span className={classes.reason}>{job.reason || "it is looked at in a moment"}</span>
              <span className={classes.end}>
                submitted <Time at={job.submitted_at} />
              </span>
            </div>
          </div>
        </li>
      ))}
    </ol>
  );
}

function Begins({ start }: { readonly start: Start | undefined }) {
  if (start === undefined) return <span className={classes.quiet}>start: asked…</span>;
  return (
    <span title={start.basis}>
      start{" "}
      {start.at === null ? <Unknown {...(start.basis === "" ? {} : { why: start.basis })} /> : <Time at={start.at} />}
    </span>
  );
}
