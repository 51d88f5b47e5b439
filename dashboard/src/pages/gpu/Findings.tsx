// What is wrong with a GPU or a node, with its cause and what to do next. Used by the pages of nodes, GPUs and of a
// workstation.
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { Time } from "../../components/Time";
import { StatusBadge } from "../../components/StatusBadge";
import type { Finding } from "./findings";
import { Words } from "./Words";
import classes from "./Findings.module.css";

interface Props {
  readonly findings: readonly Finding[];
  /** Whether to say of which GPU each is. */
  readonly naming: boolean;
}

export function Findings({ findings, naming }: Props) {
  const known = findings.filter((one) => one.certain);
  const unknown = findings.filter((one) => !one.certain);
  return (
    <>
      {known.length > 0 && <List findings={known} naming={naming} />}
      {unknown.length > 0 && (
        <details className={classes.more} open={known.length === 0 && unknown.length < 3}>
          <summary>
            {unknown.length} {unknown.length === 1 ? "alert" : "alerts"} of which it is unknown whether{" "}
            {unknown.length === 1 ? "it holds" : "they hold"}
          </summary>
          <List findings={unknown} naming={naming} />
        </details>
      )}
    </>
  );
}

function List({ findings, naming }: Props) {
  return (
    <ul className={classes.list}>
      {findings.map((one) => (
        <li key={one.id} className={classes.one}>
          <StatusBadge status={one.certain ? TONE[one.severity] : "unknown"}>
            {one.certain ? one.severity : "unknown"}
          </StatusBadge>
          <div className={classes.words}>
            <h3>
              {one.title}
              {naming && one.uuid !== null && (
                <>
                  {" · "}
                  <Link to={paths.gpu(one.uuid)}>GPU {one.index ?? "?"}</Link>
                </>
              )}
            </h3>
            {one.cause !== null && (
              <p className={classes.cause}>
                <Words text={one.cause} />
              </p>
            )}
            {one.next !== null && (
              <p>
                <strong>Next: </strong>
                <Words text={one.next} />
              </p>
            )}
            <p className={classes.since}>
              since <Time at={one.since} />
            </p>
          </div>
        </li>
      ))}
    </ul>
  );
}

const TONE = { critical: "bad", warning: "warn", info: "info" } as const;
