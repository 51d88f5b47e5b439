// A line over time with a threshold, and the values under the pointer or the arrow keys. Used by the history of an alert.
import { useState, type KeyboardEvent, type PointerEvent, type ReactNode } from "react";
import type { Rule } from "../../data/alerting";
import { sayNumber, type Point } from "./condition";
import { badSide, gapsOf, nearest, pathOf, scaleOf, xOf, yOf } from "./past-line";
import css from "./past.module.css";

interface Props {
  readonly points: readonly Point[];
  readonly rule: Pick<Rule, "metric" | "op" | "threshold">;
  readonly start: number;
  readonly end: number;
  readonly unit: string;
  /** When it fired or would have, from and to in epoch seconds. */
  readonly fired?: readonly (readonly [number, number])[];
}

export function PastLine({ points, rule, start, end, unit, fired = [] }: Props): ReactNode {
  const [at, setAt] = useState<number | null>(null);
  const scale = scaleOf(points, rule.threshold, start, end);
  const bad = badSide(rule.op, rule.threshold, scale);
  const under = at === null ? null : nearest(points, at);
  const step = points[1] !== undefined && points[0] !== undefined ? points[1][0] - points[0][0] : 60;
  const say = under === null ? "" : `${clock(under[0])}: ${sayNumber(under[1], unit)}`;

  const follow = (event: PointerEvent<SVGSVGElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    setAt(scale.start + ((event.clientX - box.left) / Math.max(1, box.width)) * (scale.end - scale.start));
  };
  const walk = (event: KeyboardEvent): void => {
    const way = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (way === 0) return;
    event.preventDefault();
    setAt(Math.min(scale.end, Math.max(scale.start, (under?.[0] ?? scale.end) + way * step)));
  };

  return (
    <div className={css.chart}>
      <div className={css.ticks} aria-hidden="true">
        <span>{sayNumber(round(scale.high, scale.high - scale.low), unit)}</span>
        <span>{sayNumber(round(scale.low, scale.high - scale.low), unit)}</span>
      </div>
      <svg
        viewBox="0 0 1000 100"
        preserveAspectRatio="none"
        className={css.line}
        role="img"
        aria-label={`${rule.metric}. ${say || "The arrow keys walk along it."}`}
        tabIndex={0}
        onPointerMove={follow}
        onPointerLeave={() => setAt(null)}
        onKeyDown={walk}
        onBlur={() => setAt(null)}
      >
        {bad !== null && (
          <rect x="0" width="1000" y={yOf(bad[1], scale)} height={yOf(bad[0], scale) - yOf(bad[1], scale)} className={css.bad} />
        )}
        {gapsOf(points, scale).map(([from, to]) => (
          <rect key={from} x={xOf(from, scale)} width={xOf(to, scale) - xOf(from, scale)} y="0" height="100" className={css.gap} />
        ))}
        {fired.map(([from, to]) => (
          <rect key={from} x={xOf(from, scale)} width={Math.max(2, xOf(to, scale) - xOf(from, scale))} y="0" height="100" className={css.fired} />
        ))}
        <path d={`M0 ${yOf(rule.threshold, scale)}H1000`} className={css.threshold} />
        <path d={pathOf(points, scale)} className={css.values} />
        {under !== null && <path d={`M${xOf(under[0], scale)} 0V100`} className={css.cursor} />}
      </svg>
      <div className={css.times}>
        <span>{clock(start)}</span>
        <strong className={css.say} role="status">
          {say}
        </strong>
        <span>{clock(end)}</span>
      </div>
    </div>
  );
}

function clock(at: number): string {
  return new Date(at * 1000).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

/** Only as exactly as the height of the chart shows. */
function round(value: number, range: number): number {
  const size = 10 ** Math.floor(Math.log10(range / 20));
  return Math.round(value / size) * size;
}
