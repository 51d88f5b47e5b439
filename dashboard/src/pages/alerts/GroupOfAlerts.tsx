// Alerts that belong together, folded or line by line. Used by the page Alerts.
import { memo, useState, type ReactNode } from "react";
import { Time } from "../../components/Time";
import { Link } from "../../routing/Link";
import { LineOfAlert } from "./LineOfAlert";
import { writeMatches } from "./matching";
import { Severity } from "./Severity";
import { silenceFor } from "./silence-draft";
import { AT_FIRST, matchesOfGroup, type Group, type Grouping } from "./standing";
import css from "./standing.module.css";

interface Props {
  readonly group: Group;
  readonly by: Grouping;
  /** Before somebody folds or opens it. */
  readonly open: boolean;
  /** The unit of each rule's values. */
  readonly units: ReadonlyMap<string, string>;
  /** Silences may be made. */
  readonly may: boolean;
}

export const GroupOfAlerts = memo(function GroupOfAlerts({ group, by, open, units, may }: Props): ReactNode {
  const [chosen, setChosen] = useState<boolean | null>(null);
  const [whole, setWhole] = useState(false);
  const isOpen = chosen ?? open;
  const lines = whole ? group.alerts : group.alerts.slice(0, AT_FIRST);
  const rest = group.alerts.length - lines.length;
  const matches = may && group.loud > 0 ? matchesOfGroup(group.key, by) : null;
  return (
    <section className={css.group} aria-label={group.title === "" ? "All" : group.title}>
      {by !== "none" && (
        <h2 className={css.heading}>
          <button type="button" aria-expanded={isOpen} className={css.fold} onClick={() => setChosen(!isOpen)}>
            <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true" className={isOpen ? css.down : undefined}>
              <path d="M4 2l4 4-4 4" />
            </svg>
            <Severity of={group.worst} quiet={group.loud === 0} bare />
            <span className={css.name}>{group.title}</span>
            <span className={css.sort}>{sayCounts(group)}</span>
          </button>
          <span className={css.since}>
            <Time at={group.since} />
          </span>
          {may && (
            <span className={css.deed}>
              {matches !== null && (
                <Link to={silenceFor(writeMatches(matches))} aria-label={`Silence all of ${group.title}…`}>
                  Silence…
                </Link>
              )}
            </span>
          )}
        </h2>
      )}
      {isOpen && (
        <ul className={css.lines}>
          {lines.map((alert) => (
            <LineOfAlert key={alert.fingerprint} alert={alert} by={by} unit={units.get(alert.rule)} may={may} />
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
});

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
