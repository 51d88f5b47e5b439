// Where the points of a line and its threshold are, in a box of 1000 by 100. Unknown values are gaps. Pure.
// Used by the history of one alert.
import type { Comparison } from "../../data/alerting";
import type { Point } from "./condition";

export interface Scale {
  readonly start: number;
  readonly end: number;
  readonly low: number;
  readonly high: number;
}

/** The smallest that has all values, the threshold, and some air. */
export function scaleOf(points: readonly Point[], threshold: number, start: number, end: number): Scale {
  let [low, high] = [threshold, threshold];
  for (const [, value] of points) {
    if (value === null) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const air = (high - low) * 0.1 || Math.max(Math.abs(high) * 0.1, 1);
  return { start, end: Math.max(end, start + 1), low: low >= 0 ? Math.max(0, low - air) : low - air, high: high + air };
}

export function xOf(at: number, scale: Scale): number {
  return (1000 * (at - scale.start)) / (scale.end - scale.start);
}

export function yOf(value: number, scale: Scale): number {
  return 100 - (100 * (value - scale.low)) / (scale.high - scale.low);
}

/** An SVG path that is broken off wherever nothing is known. A point that stands alone is a short dash. */
export function pathOf(points: readonly Point[], scale: Scale): string {
  const parts: string[] = [];
  points.forEach(([at, value], place) => {
    if (value === null) return;
    const begins = (points[place - 1]?.[1] ?? null) === null;
    const alone = begins && (points[place + 1]?.[1] ?? null) === null;
    const where = `${xOf(at, scale).toFixed(1)} ${yOf(value, scale).toFixed(2)}`;
    parts.push(`${begins ? "M" : "L"}${where}${alone ? "h2" : ""}`);
  });
  return parts.join("");
}

/** Stretches in which nothing is known, as from and to. */
export function gapsOf(points: readonly Point[], scale: Scale): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  points.forEach(([at, value], place) => {
    if (value !== null) return;
    const until = points[place + 1]?.[0] ?? scale.end;
    const last = found.at(-1);
    if (last?.[1] === at) last[1] = until;
    else found.push([at, until]);
  });
  return found;
}

/** The side of the threshold on which the condition holds: from and to, as values. null: it is no side. */
export function badSide(op: Comparison, threshold: number, scale: Scale): readonly [number, number] | null {
  if (op === ">" || op === ">=") return [threshold, scale.high];
  return op === "<" || op === "<=" ? [scale.low, threshold] : null;
}

/** The point that is nearest to a moment; null: there is none. */
export function nearest(points: readonly Point[], at: number): Point | null {
  let found: Point | null = null;
  for (const point of points) {
    if (found === null || Math.abs(point[0] - at) < Math.abs(found[0] - at)) found = point;
  }
  return found;
}
