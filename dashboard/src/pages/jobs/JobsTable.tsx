// Jobs in rows: state, name, whose, how much, where, since when. Used by JobsPage and ArrayView.
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { Time } from "../../components/Time";
import { endInWords, gpusAsked } from "../../data/job";
import type { Job } from "../../data/shapes";
import { JobStateBadge } from "./JobStateBadge";
import { took } from "./took";
import classes from "./JobsTable.module.css";

interface Props {
  readonly jobs: readonly Job[];
  /** Epoch milliseconds. */
  readonly now: number;
  readonly label: string;
  /** Whether what is shown is what was asked for before. */
  readonly stale?: boolean;
}

export function JobsTable({ jobs, now, label, stale = false }: Props) {
  return (
    <div className={classes.scroll} data-stale={stale || undefined}>
      <table className={classes.table} aria-label={label}>
        <thead>
          <tr>
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
            <tr key={job.id}>
              <td>
                <JobStateBadge state={job.state} />
              </td>
              <td className={classes.name}>
                <Link to={paths.job(job.id)}>{job.name === "" ? job.id : job.name}</Link>
                {job.name !== "" && <span className={classes.id}>{job.id}</span>}
              </td>
              <td>{job.owner}</td>
              <td className={classes.number}>{Number(gpusAsked(job.spec).toFixed(3))}</td>
              <td className={classes.node}>{job.node ?? ""}</td>
              <td>
                <Time at={job.submitted_at} />
              </td>
              <td className={classes.number}>{took(job, now)?.said ?? ""}</td>
              <td className={classes.why} title={whyOf(job)}>
                {whyOf(job)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function whyOf(job: Job): string {
  const end = job.state === "SUCCEEDED" ? null : endInWords(job);
  if (end === null || job.reason.includes(end)) return job.reason;
  return job.reason === "" ? end : `${end}: ${job.reason}`;
}
