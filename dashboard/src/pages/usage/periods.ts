// The bars of the usage page: one for each period of the asked time, those without a record included, and few
// enough to be seen.
import type { UsageReport } from "../../data/had";
import { type Parts, partsOf } from "./use";

export interface Period {
  /** Epoch, milliseconds. */
  start: number;
  end: number;
  /** null: nothing was recorded in it. */
  parts: Parts | null;
  /** 0 to 1; null: not known. */
  coverage: number | null;
}

type Report = Pick<UsageReport, "start" | "end" | "step" | "days">;

const MOST = 100;

/** Every period from `start` to `end`, oldest first, several put into one where they would be too many. */
export function periodsOf(report: Report): Period[] {
  const step = report.step * 1000;
  const [from, to] = [Date.parse(report.start), Date.parse(report.end)];
  if (!(step > 0) || !(to > from)) return [];
  const found = new Map(report.days.map((day) => [Math.floor(Date.parse(day.start) / step), day]));
  const [first, last] = [Math.floor(from / step), Math.ceil(to / step)];
  const all = Array.from({ length: last - first }, (_, nth): Period => {
    const day = found.get(first + nth);
    const start = (first + nth) * step;
    const recorded = day !== undefined && !(day.gpu_hours === 0 && !day.coverage);
    return {
      start,
      end: start + step,
      parts: recorded ? partsOf(day) : null,
      coverage: day === undefined ? null : day.coverage,
    };
  });
  return together(all, Math.ceil(all.length / MOST) > 1 ? 7 : 1);
}

function together(all: readonly Period[], many: number): Period[] {
  if (many === 1) return [...all];
  const made: Period[] = [];
  for (let end = all.length; end > 0; end -= many) made.unshift(sum(all.slice(Math.max(0, end - many), end)));
  return made;
}

function sum(periods: readonly Period[]): Period {
  const known = periods.flatMap(({ parts }) => (parts === null ? [] : [parts]));
  const covered = periods.flatMap(({ coverage }) => (coverage === null ? [] : [coverage]));
  const add = (part: keyof Parts) => known.reduce((all, parts) => all + parts[part], 0);
  return {
    start: periods[0]?.start ?? 0,
    end: periods[periods.length - 1]?.end ?? 0,
    parts: known.length === 0 ? null : { busy: add("busy"), idle: add("idle"), unknown: add("unknown") },
    coverage: covered.length === 0 ? null : covered.reduce((all, one) => all + one, 0) / periods.length,
  };
}

export function heldIn(period: Period): number {
  const { parts } = period;
  return parts === null ? 0 : parts.busy + parts.idle + parts.unknown;
}

/** From 0 up to at least `most`, in three to six round steps. */
export function ticksUpTo(most: number): number[] {
  if (!(most > 0)) return [0, 1];
  const rough = most / 4;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5].find((one) => one * size >= rough) ?? 10) * size;
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, nth) => Number((nth * step).toPrecision(12)));
}

/** Which bars have their time written below: about `wanted` of them, the last one always. */
export function labelled(count: number, wanted: number): Set<number> {
  const every = Math.max(1, Math.ceil(count / Math.max(1, wanted)));
  const shown = new Set<number>();
  for (let nth = count - 1; nth >= 0; nth -= every) shown.add(nth);
  return shown;
}
