// What happened to a job, oldest first. Used by the job page.
import { Time } from "../../components/Time";
import { timelineOf } from "./story";
import type { JobEvent } from "../../data/job";
import classes from "./Timeline.module.css";

interface Props {
  readonly events: readonly JobEvent[];
  readonly more: boolean;
}

export function Timeline({ events, more }: Props) {
  return (
    <>
      <ol className={classes.all}>
        {timelineOf(events).map((one) => (
          <li key={one.id} data-tone={one.tone}>
            <div className={classes.head}>
              <strong>{one.title}</strong>
              {one.attempt > 1 && <span className={classes.attempt}>attempt {one.attempt}</span>}
              <span className={classes.time}>
                <Time at={one.time} />
              </span>
            </div>
            {one.detail !== "" && <p>{one.detail}</p>}
          </li>
        ))}
      </ol>
      {more && <p className={classes.more}>There is more: `sentinel events` tells the rest.</p>}
    </>
  );
}
