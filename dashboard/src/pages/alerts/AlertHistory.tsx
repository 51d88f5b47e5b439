// What the series of an alert did, with the threshold of its rule. Used by the page of one alert.
import { SegmentedControl } from "@mantine/core";
import type { ReactNode } from "react";
import { Refusal } from "../../components/Refusal";
import { oneOf } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import type { Alert, Rule } from "../../data/alerting";
import css from "./alerts.module.css";
import { inPercent, type Point, sayNumber, sayThreshold, unitOf } from "./condition";
import { PastLine } from "./PastLine";
import { usePast } from "./queries";
import own from "./past.module.css";

const FIELDS = { since: oneOf(["1h", "6h", "24h", "7d"], "1h") };
const RANGES: { value: "1h" | "6h" | "24h" | "7d"; label: string }[] = [
  { value: "1h", label: "1 h" },
  { value: "6h", label: "6 h" },
  { value: "24h", label: "1 day" },
  { value: "7d", label: "7 days" },
];

export function AlertHistory({ alert, rule }: { alert: Alert; rule: Rule }): ReactNode {
  const [{ since }, setView] = useUrlState(FIELDS);
  const part = usePast(rule.metric, alert.series, since);
  const whole = usePast(rule.of, alert.series, since);
  const error = part.error ?? whole.error;
  const mine = part.data?.series[0]?.points as readonly Point[] | undefined;
  const of = whole.data?.series[0]?.points as readonly Point[] | undefined;
  const points = rule.of === null ? mine : mine && of && inPercent(mine, of);
  const latest = points?.findLast(([, value]) => value !== null);
  const unit = unitOf(rule);
  const isKnown = part.data !== undefined && (rule.of === null || whole.data !== undefined);
  return (
    <section className={css.panel} aria-labelledby="past">
      <div className={css.head}>
        <h2 id="past">
          <code>{rule.of === null ? rule.metric : `${rule.metric} of ${rule.of}`}</code>{" "}
          <span className={css.dim}>fires {sayThreshold(rule)}</span>
        </h2>
        <SegmentedControl
          size="xs"
          aria-label="How far back"
          data={RANGES}
          value={since}
          onChange={(value) => setView({ since: value })}
        />
      </div>
      <div className={own.place}>
        {error !== null ? (
          <Refusal error={error} />
        ) : points !== undefined && part.data !== undefined && latest !== undefined ? (
          <PastLine points={points} rule={rule} start={part.data.start} end={part.data.end} unit={unit} />
        ) : (
          <p className={css.dim}>{isKnown ? "Nothing is recorded of it in this time." : " "}</p>
        )}
      </div>
      {latest !== undefined && <p className={css.calm}>Last known: {sayNumber(latest[1], unit)}</p>}
    </section>
  );
}
