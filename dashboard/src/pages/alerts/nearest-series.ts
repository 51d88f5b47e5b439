// Of several series, the one with the greatest or least value; and when a rule would have fired. Pure.
// Used by PreviewChart.tsx.
import type { Fired, History } from "../../data/alerting";
import type { Point } from "./condition";

export interface Extreme {
  /** Empty: of no single node. */
  readonly node: string;
  readonly value: number;
  readonly points: readonly Point[];
}

/** null: nothing is known of any. */
export function extremeOf(series: History["series"], side: "max" | "min"): Extreme | null {
  let found: Extreme | null = null;
  for (const { labels, points } of series) {
    const value = extreme(points as readonly Point[], side);
    if (value === null) continue;
    if (found === null || (side === "max" ? value > found.value : value < found.value)) {
      found = { node: labels.node ?? "", value, points: points as readonly Point[] };
    }
  }
  return found;
}

/** From and to, in epoch seconds; what fires still does so until the end. */
export function spansOf(fired: readonly Fired[], until: string): readonly (readonly [number, number])[] {
  return fired.map(({ began, ended }) => [Date.parse(began) / 1000, Date.parse(ended ?? until) / 1000] as const);
}

function extreme(points: readonly Point[], side: "max" | "min"): number | null {
  let found: number | null = null;
  for (const [, value] of points) {
    if (value !== null && (found === null || (side === "max" ? value > found : value < found))) found = value;
  }
  return found;
}
