// What waits for a GPU, in its order, why, and when it is expected to begin. Used by the page of a workstation.
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { Time } from "../../components/Time";
import { gpusInWords } from "../../data/job";
import type { Asked } from "../../data/node";
import { useNow } from "../../data/useNow";
import { jobName } from "../../data/placed-job";
import { ended, helpsOf, type Outlook } from "./outlook";
import { since } from "./spans";
import type { NextThing } from "./story";
import classes from "./WorkstationPage.module.css";

interface Props {
  /** Who asked on the machine itself: they come before those who asked the queue. */
  readonly asked: readonly Asked[];
  readonly things: readonly NextThing[];
  /** So many are shown; the page of the queue has all. */
  readonly shown: number;
}

export function NextList({ asked, things, shown }: Props) {
  const now = useNow(30_000);
  if (things.length + asked.length === 0) {
    return (
      <p className={classes.quiet}>
        Nobody waits. To use a GPU: <code>sentinel run -- python train.py</code>, or <Link to="/jobs/new">submit a job</Link>.
      </p>
    );
  }
  const first = things.slice(0, shown);
  return (
    <>
      {helpsOf(first.map((one) => one.outlook)).map((help) => (
        <p key={help} className={classes.help}>
          {help}
        </p>
      ))}
      <ol className={classes.next}>
        {asked.map((one) => (
          <li key={`${one.user} ${one.since ?? ""} ${one.command}`}>
            <div className={classes.what}>
              <h3>{one.user}, on the machine itself</h3>
              <p className={classes.quiet}>
                Waiting for {since(one.since, now) ?? "nobody knows how long"}
                {one.command !== "" && (
                  <>
                    {" "}
                    to run <code>{one.command}</code>
                  </>
                )}
                {one.why !== "" && `: ${ended(one.why)}`}
              </p>
            </div>
          </li>
        ))}
        {first.map(({ job, outlook, reason }, nth) => (
          <li key={job.id}>
            <div className={classes.what}>
              <h3>
                <Link to={paths.job(job.id)}>{jobName(job)}</Link> of {job.owner}
              </h3>
              <p className={classes.quiet}>
                Wants {gpusInWords({ ...job.spec, gpu_model: null })}; waiting for {since(job.submitted_at, now) ?? "nobody knows how long"}
                {reason !== "" && (reason === first[nth - 1]?.reason ? ", for the same reason." : `: ${reason}`)}
              </p>
            </div>
            <When outlook={outlook} same={nth > 0 && outlook.basis === first[nth - 1]?.outlook.basis} />
          </li>
        ))}
      </ol>
      {things.length > shown && (
        <p>
          <Link to={paths.queue}>
            {things.length - shown} more {things.length - shown === 1 ? "waits" : "wait"}
          </Link>
        </p>
      )}
    </>
  );
}

/** `same`: the one before says the same of why it cannot be told. */
function When({ outlook: { starts, basis }, same }: { readonly outlook: Outlook; readonly same: boolean }) {
  if (starts !== null) {
    return (
      <p className={classes.when} title={basis}>
        begins about <Time at={starts} />
      </p>
    );
  }
  if (basis === "") return <p className={classes.when}>&nbsp;</p>;
  return (
    <div className={classes.when}>
      <p title={basis}>start not known</p>
      {!same && <p className={classes.quiet}>{basis}</p>}
    </div>
  );
}
