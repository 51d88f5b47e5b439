// A metric of several GPUs over time as strips, a row for each GPU: eight lines over each other cannot be read, eight strips
// can. Pure; drawn by PastStrips.tsx.
import type { Lines } from "./lines";
import { stepOf } from "../../theme/palette";

/** A run of the same colour. All in parts of the width, 0 to 1. */
export interface Run {
  readonly from: number;
  readonly to: number;
  /** Of the scale; null: not known. */
  readonly step: number | null;
}

/** The least and the greatest of the scale. Of power it is what was measured, as no card tells its greatest. */
export function boundsOf(unit: "percent" | "bytes" | "celsius" | "watts", most: number | null, lines: Lines["lines"]): readonly [number, number] {
  if (unit === "celsius") return [30, 90];
  if (most !== null) return [0, most];
  const greatest = lines.reduce((so, line) => line.values.reduce<number>((far, value) => Math.max(far, value ?? 0), so), 0);
  return [0, greatest > 0 ? greatest : 1];
}

/** Each point lasts for a step, as far as what is shown goes; where there is none, it is not known. */
export function runsOf(
  times: readonly number[],
  values: readonly (number | null)[],
  step: number,
  [start, end]: readonly [number, number],
  [from, to]: readonly [number, number],
): readonly Run[] {
  const runs: Run[] = [];
  const place = (at: number) => Math.min(1, Math.max(0, (at - start) / (end - start)));
  const add = (begin: number, finish: number, shade: number | null) => {
    const [left, right] = [place(begin), place(finish)];
    if (right <= left) return;
    const last = runs.at(-1);
    if (last?.step === shade) runs[runs.length - 1] = { ...last, to: right };
    else runs.push({ from: left, to: right, step: shade });
  };
  let until = start;
  for (const [nth, at] of times.entries()) {
    if (at > until) add(until, at, null);
    const next = Math.max(until, at + step);
    add(Math.max(until, at), next, stepOf(values[nth] ?? null, from, to));
    until = next;
  }
  // The step that has only just begun is not a gap.
  if (end - until > 2 * step) add(until, end, null);
  return runs;
}

/** The place in `times` of the point that speaks of a moment; null: none does. */
export function pointAt(times: readonly number[], at: number, step: number): number | null {
  for (let nth = times.length - 1; nth >= 0; nth -= 1) {
    const time = times[nth] ?? 0;
    if (time <= at) return at < time + 2 * step ? nth : null;
  }
  return null;
}
