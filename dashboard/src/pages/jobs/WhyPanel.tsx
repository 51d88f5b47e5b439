// Why a job waits, who has what it needs, when it is thought to begin, and what would let it begin now. Used by the job
// page; the submit form shows the same of a job that is not there yet.
import type { ReactNode } from "react";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { Time } from "../../components/Time";
import { Unknown } from "../../components/Unknown";
import type { Change, HeldBy } from "../../data/job";
import type { Why } from "../../data/shapes";
import { sentence } from "./reason-words";
import classes from "./WhyPanel.module.css";

type Outlook = Pick<
  Why,
  "blocking" | "reason" | "held_by" | "ahead" | "estimated_start" | "basis" | "would_start_now_if"
>;

interface Props {
  readonly why: Outlook;
  /** What to offer beside a change that would let it begin now. */
  readonly offer?: (change: Change) => ReactNode;
}

export function WhyPanel({ why, offer }: Props) {
  // The API's document says less of these objects than core/queue.md does.
  const held = why.held_by as unknown as readonly HeldBy[];
  return (
    <div className={classes.why}>
      <p className={classes.reason}>{sentence(why.reason || "nothing is in its way: it is placed in a moment.")}</p>
      <dl className={classes.facts}>
        <div>
          <dt>Ahead of it</dt>
          <dd>{why.ahead === 0 ? "nobody" : why.ahead === 1 ? "1 job" : `${why.ahead} jobs`}</dd>
        </div>
        <div>
          <dt>Thought to start</dt>
          <dd>
            {why.estimated_start === null ? <Unknown /> : <Time at={why.estimated_start} />}
            {why.basis !== "" && <span className={classes.basis}> {why.basis}</span>}
          </dd>
        </div>
      </dl>
      {held.length > 0 && (
        <section>
          <h3>Who has what it needs</h3>
          <ul className={classes.list}>
            {held.map((one) => (
              <li key={`${one.job ?? one.what ?? ""} ${one.gpus.join(" ")}`}>
                <span className={classes.count}>{one.gpus.length === 1 ? "1 GPU" : `${one.gpus.length} GPUs`}</span>
                <span>
                  {one.job !== undefined && (
                    <>
                      <Link to={paths.job(one.job)}>{one.job}</Link>{" "}
                    </>
                  )}
                  {one.why}
                  {one.until !== null && (
                    <>
                      , until <Time at={one.until} />
                    </>
                  )}
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {why.would_start_now_if.length > 0 && (
        <section>
          <h3>What would let it start now</h3>
          <ul className={classes.list}>
            {why.would_start_now_if.map((one) => (
              <li key={one.says}>
                <span className={classes.says}>{one.says}</span>
                {offer?.(one)}
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}
