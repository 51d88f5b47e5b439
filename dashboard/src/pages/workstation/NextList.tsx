// What waits for a GPU, in its order, and when it is expected to begin. Used by the page of a workstation.
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { Time } from "../../components/Time";
import { jobName } from "../../data/placed-job";
import type { NextThing } from "./story";
import classes from "./WorkstationPage.module.css";

const SHOWN = 10;

export function NextList({ things }: { readonly things: readonly NextThing[] }) {
  if (things.length === 0) {
    return (
      <p className={classes.quiet}>
        Nobody waits. To use a GPU: <code>sentinel run -- python train.py</code>, or <Link to={paths.jobs}>submit a job</Link>.
      </p>
    );
  }
  return (
    <>
      <ol className={classes.next}>
        {things.slice(0, SHOWN).map(({ job, starts, basis, reason }) => (
          <li key={job.id}>
            <div className={classes.what}>
              <h3>
                <Link to={paths.job(job.id)}>{jobName(job)}</Link> of {job.owner}
              </h3>
              <p className={classes.quiet}>
                Wants {gpusWanted(job.spec.gpus * job.spec.nodes, job.spec.gpu_milli)}, waits since{" "}
                <Time at={job.submitted_at} />
                {reason !== "" && <>: {reason}</>}
              </p>
            </div>
            <p className={classes.when}>
              {starts === null ? (
                <span title={basis} className={classes.quiet}>
                  start unknown
                </span>
              ) : (
                <span title={basis}>
                  begins about <Time at={starts} />
                </span>
              )}
            </p>
          </li>
        ))}
      </ol>
      {things.length > SHOWN && (
        <p>
          <Link to={paths.queue}>{things.length - SHOWN} more wait</Link>
        </p>
      )}
    </>
  );
}

function gpusWanted(gpus: number, milli: number): string {
  if (milli < 1000) return `${Math.round(milli / 10)} % of a GPU`;
  return gpus === 1 ? "a GPU" : gpus === 0 ? "no GPU" : `${gpus} GPUs`;
}
