// Who has what the first one in line needs: what holds the line. Used by QueuePage.
import { Panel } from "../../components/Page";
import { Time } from "../../components/Time";
import type { HeldBy } from "../../data/job";
import type { Job, Why } from "../../data/shapes";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import classes from "./Side.module.css";

const MOST = 6;

interface Props {
  /** How many are in line; undefined: not known yet. */
  readonly line: number | undefined;
  readonly first: Job | undefined;
  /** What the controller says of the first one; undefined: not said yet. */
  readonly why: Why | undefined;
}

export function Holds({ line, first, why }: Props) {
  // The API's document says less of these objects than core/queue.md does.
  const held = (why?.held_by ?? []) as unknown as readonly HeldBy[];
  return (
    <Panel title="What holds the line" flush>
      <div className={classes.fixed}>
        <p className={classes.note}>
          {line === 0 && "Nobody waits: nothing does."}
          {first !== undefined && (
            <>
              First is <Link to={paths.job(first.id)}>{first.name === "" ? first.id : first.name}</Link> of {first.owner}.{" "}
              {why === undefined
                ? "Who has what it needs is being worked out…"
                : held.length === 0
                  ? "Nobody in particular has what it needs: its reason in the line says why it waits."
                  : "What it needs is with:"}
            </>
          )}
        </p>
        <ul className={classes.rows}>
          {held.slice(0, MOST).map((one) => (
            <li key={`${one.job ?? one.what ?? ""} ${one.gpus.join(" ")}`}>
              <span className={classes.figure}>
                {one.gpus.length}
                <small> {one.gpus.length === 1 ? "GPU" : "GPUs"}</small>
              </span>
              <span className={classes.grow}>
                {one.job !== undefined && (
                  <>
                    <Link to={paths.job(one.job)}>{one.job}</Link>{" "}
                  </>
                )}
                {one.why}
              </span>
              <span className={classes.quiet}>
                {one.until === null ? (
                  "no end known"
                ) : (
                  <>
                    until <Time at={one.until} />
                  </>
                )}
              </span>
            </li>
          ))}
        </ul>
        {held.length > MOST && <p className={classes.note}>And {held.length - MOST} more; the job&apos;s page has them all.</p>}
      </div>
    </Panel>
  );
}
