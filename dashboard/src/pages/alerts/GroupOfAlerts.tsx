// Alerts that belong together, and one of them in a line. Used by the page Alerts.
import { useState, type ReactNode } from "react";
import { Time } from "../../components/Time";
import { Link } from "../../routing/Link";
import type { Alert } from "../../data/alerting";
import { sayNumber } from "./condition";
import { AlertStateWord, Severity } from "./Severity";
import { labelsBut } from "./matching";
import { whereOf } from "./preview-strip";
import { isLoud, stands, type Group, type Grouping } from "./standing";
import css from "./standing.module.css";

const FEW = 3; // lines that are not worth folding away
const AT_FIRST = 20; // lines of a group before the rest is asked for

interface Props {
  readonly group: Group;
  readonly by: Grouping;
  /** The unit of each rule's values. */
  readonly units: ReadonlyMap<string, string>;
}

export function GroupOfAlerts({ group, by, units }: Props): ReactNode {
  const [open, setOpen] = useState<boolean | null>(null);
  const [whole, setWhole] = useState(false);
  const isOpen = open ?? (group.loud > 0 || group.alerts.length <= FEW || by === "none");
  const lines = whole ? group.alerts : group.alerts.slice(0, AT_FIRST);
  const rest = group.alerts.length - lines.length;
  return (
    <section className={css.group}>
      {by !== "none" && (
        <h2 className={css.heading}>
          <button type="button" aria-expanded={isOpen} className={css.fold} onClick={() => setOpen(!isOpen)}>
            <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true" className={isOpen ? css.down : undefined}>
              <path d="M4 2l4 4-4 4" />
            </svg>
            <Severity of={group.worst} quiet={group.loud === 0} bare />
            <span className={css.name}>{group.title}</span>
            <span className={css.sort}>{sayCounts(group)}</span>
          </button>
          <span className={css.sort}>
            since <Time at={group.since} />
          </span>
        </h2>
      )}
      {isOpen && (
        <ul className={css.lines}>
          {lines.map((alert) => (
            <Line key={alert.fingerprint} alert={alert} by={by} unit={units.get(alert.rule)} />
          ))}
          {rest > 0 && (
            <li>
              <button type="button" className={css.more} onClick={() => setWhole(true)}>
                Show {rest} more
              </button>
            </li>
          )}
        </ul>
      )}
    </section>
  );
}

function Line({ alert, by, unit }: { alert: Alert; by: Grouping; unit: string | undefined }): ReactNode {
  return (
    <li className={`${css.line ?? ""} ${isLoud(alert) ? "" : (css.hushed ?? "")}`}>
      <Severity of={alert.severity} quiet={!isLoud(alert)} bare />
      <div className={css.what}>
        <Link to={`/alerts/${alert.fingerprint}`} className={css.title}>
          {alert.summary}
        </Link>
        <span className={css.sort}>
          {by !== "rule" && <>{alert.rule} · </>}
          {whereOf(labelsBut(alert.labels, "finding", "layer"))}
          <Hush alert={alert} />
        </span>
      </div>
      <AlertStateWord alert={alert} />
      <span className={css.value}>
        {unit === undefined ? "" : sayNumber(alert.value, unit)}
      </span>
      <span className={css.since}>
        <Time at={stands(alert) ? (alert.fired_at ?? alert.started_at) : (alert.ended_at ?? alert.started_at)} />
      </span>
      <span className={css.told}>{toldOf(alert)}</span>
    </li>
  );
}

/** "2 loud · 8 pending": only what there is. */
function sayCounts({ loud, quiet, alerts }: Group): string {
  const pending = alerts.filter((one) => one.state === "pending").length;
  const counts: readonly (readonly [number, string])[] = [
    [loud, "loud"],
    [quiet, "quiet"],
    [pending, "pending"],
    [alerts.length - loud - quiet - pending, "over"],
  ];
  return counts
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(" · ");
}

/** Why it is quiet, where it is. */
function Hush({ alert }: { alert: Alert }): ReactNode {
  if (!stands(alert)) return null;
  if (alert.muted !== null) return <> · {alert.muted.why}</>;
  if (alert.ack === null) return null;
  return (
    <>
      {" "}
      · seen by {alert.ack.by}
      {alert.ack.why === "" ? "" : `: ${alert.ack.why}`}
    </>
  );
}

function toldOf(alert: Alert): ReactNode {
  const failed = alert.told.filter((one) => one.state === "given-up");
  if (failed.length > 0) return <span className={css.failed}>not told: {failed.map((one) => one.channel).join(", ")}</span>;
  if (alert.told.length > 0) return `told: ${alert.told.map((one) => one.channel).join(", ")}`;
  return isLoud(alert) ? "nobody told" : "";
}
