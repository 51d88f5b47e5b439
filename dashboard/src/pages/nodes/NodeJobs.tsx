// The newest jobs of a node. Used by the page of a node.
import { Skeleton } from "../../components/Skeleton";
import { StatusBadge } from "../../components/StatusBadge";
import { Time } from "../../components/Time";
import { jobName, type PlacedJob } from "../../data/placed-job";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import classes from "../gpu/SmallTable.module.css";

const SHOWN = 12;
const TONES: Readonly<Record<PlacedJob["state"], "ok" | "warn" | "bad" | "unknown" | "info">> = {
  QUEUED: "info",
  ALLOCATED: "info",
  STARTING: "info",
  RUNNING: "ok",
  SUCCEEDED: "ok",
  FAILED: "bad",
  CANCELED: "unknown",
  LOST: "unknown",
};

/** `jobs` undefined: not known yet. */
export function NodeJobs({ jobs }: { readonly jobs: readonly PlacedJob[] | undefined }) {
  if (jobs === undefined) return <Skeleton rows={6} />;
  if (jobs.length === 0) return <p>No job has run there yet.</p>;
  return (
    <div className={classes.frame}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">Job</th>
            <th scope="col">State</th>
            <th scope="col">Owner</th>
            <th scope="col" className={classes.number}>
              GPUs
            </th>
            <th scope="col" className={classes.number}>
              Began
            </th>
            <th scope="col" className={classes.number}>
              Ended
            </th>
          </tr>
        </thead>
        <tbody>
          {[...jobs].sort(live).slice(0, SHOWN).map((job) => (
            <tr key={job.id}>
              <td>
                <Link to={paths.job(job.id)}>{jobName(job)}</Link>
              </td>
              <td>
                <StatusBadge status={TONES[job.state]}>{job.state.toLowerCase()}</StatusBadge>
              </td>
              <td>{job.owner}</td>
              <td className={classes.number}>{job.gpus.length}</td>
              <td className={classes.number}>{job.started_at === null ? "not yet" : <Time at={job.started_at} />}</td>
              <td className={classes.number}>{job.ended_at === null ? "" : <Time at={job.ended_at} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Those that have not ended first, in the order in which they came. */
function live(a: PlacedJob, b: PlacedJob): number {
  return Number(a.ended_at !== null) - Number(b.ended_at !== null);
}
