// How many stand, by severity; each is a filter. Used by the page Alerts.
import type { ReactNode } from "react";
import type { Severity as Name } from "../../data/alerting";
import { Unknown } from "../../components/Unknown";
import { Severity } from "./Severity";
import { SEVERITIES, type Counts } from "./standing";
import css from "./standing.module.css";

interface Props {
  /** undefined: not known yet. */
  readonly counts: Counts | undefined;
  /** Somebody looks: that there are none means that there are none. */
  readonly sure: boolean;
  readonly chosen: readonly Name[];
  readonly choose: (severities: readonly Name[]) => void;
}

export function Counters({ counts, sure, chosen, choose }: Props): ReactNode {
  const toggled = (one: Name): readonly Name[] =>
    chosen.includes(one) ? chosen.filter((other) => other !== one) : [...chosen, one];
  return (
    <div className={css.counters} role="group" aria-label="How many stand, by severity">
      {SEVERITIES.map((one) => (
        <button
          key={one}
          type="button"
          className={css.counter}
          aria-pressed={chosen.includes(one)}
          onClick={() => choose(toggled(one))}
        >
          <Figure of={counts?.[one]} sure={sure} />
          <Severity of={one} quiet={counts?.[one] === 0} />
        </button>
      ))}
      <div className={css.counter}>
        <Figure of={counts?.quiet} sure={sure} />
        <span className={css.sort}>kept quiet, or seen</span>
      </div>
      <div className={css.counter}>
        <Figure of={counts?.pending} sure={sure} />
        <span className={css.sort}>pending</span>
      </div>
    </div>
  );
}

function Figure({ of, sure }: { of: number | undefined; sure: boolean }): ReactNode {
  if (of === undefined) return <span className={css.figure}>…</span>;
  return <span className={css.figure}>{of === 0 && !sure ? <Unknown why="nobody has looked lately" /> : of}</span>;
}
