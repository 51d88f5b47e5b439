// How many stand, by severity; each is a filter. Used by the page Alerts.
import type { ReactNode } from "react";
import { Unknown } from "../../components/Unknown";
import type { AlertPage, Severity as Name } from "../../data/alerting";
import { useNow } from "../../data/useNow";
import { Severity } from "./Severity";
import { counted, SEVERITIES } from "./standing";
import css from "./standing.module.css";
import { watchSays } from "./watch-says";

interface Props {
  /** undefined: not known yet. */
  readonly page: AlertPage | undefined;
  /** When that was had, in epoch milliseconds. */
  readonly at: number;
  readonly chosen: readonly Name[];
  readonly choose: (severities: readonly Name[]) => void;
}

export function Counters({ page, at, chosen, choose }: Props): ReactNode {
  const now = useNow(5_000);
  const counts = page && counted(page.items);
  // While nobody looks, that there are none does not mean that there are none.
  const sure = page !== undefined && watchSays(page.watch, (now - at) / 1000).sure;
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
