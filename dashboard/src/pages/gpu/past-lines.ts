// A metric of the past as lines: of a GPU, of a GPU and another one, or of all GPUs of a node; and of an earlier time beneath.
// Used by PastChart.tsx and PastStrips.tsx.
import { useMemo } from "react";
import { usePast } from "../../data/past";
import { byIndex, type Lines, linesOf } from "./lines";
import { shiftOf, stepOf, type TimeRange } from "./time-range";

/** Another GPU, to be drawn beside. */
export interface Beside {
  readonly node: string;
  readonly uuid: string;
  readonly label: string;
}

export interface PastOf {
  readonly metric: string;
  readonly node: string;
  /** A UUID; null: all GPUs of the node, a line for each. */
  readonly gpu: string | null;
  readonly range: TimeRange;
  readonly compare: string;
  /** How the line of a GPU alone is called. */
  readonly title: string;
  readonly beside?: Beside | null;
}

interface Found {
  readonly lines: Lines;
  readonly loading: boolean;
  /** Nothing can be drawn; else null. */
  readonly error: Error | null;
}

export function usePastLines({ metric, node, gpu, range, compare, title, beside = null }: PastOf): Found {
  const step = stepOf(range);
  const shift = shiftOf(compare, range);
  const back = shift ?? 0;
  const asked = { metric, node, gpu, step, start: range.start, end: range.end, moving: range.span !== null };
  const past = usePast(asked);
  const earlier = usePast({ ...asked, start: range.start - back, end: range.end - back }, shift !== null);
  const other = usePast({ ...asked, node: beside?.node ?? node, gpu: beside?.uuid ?? gpu }, beside !== null);
  const series = past.data?.series;
  const before = shift === null ? undefined : earlier.data?.series;
  const others = beside === null ? undefined : other.data?.series;
  const grid = past.data?.step ?? step;
  const aside = beside?.label ?? null;
  const lines = useMemo(() => {
    const own = linesOf(byIndex(series ?? []), byIndex(before ?? []), back, grid, (labels) => (gpu === null ? `GPU ${labels.gpu ?? "?"}` : title));
    if (aside === null) return own;
    const theirs = linesOf(byIndex(others ?? []), [], 0, grid, () => aside);
    return together(own, theirs);
  }, [series, before, others, back, grid, gpu, title, aside]);
  return { lines, loading: past.isPending, error: past.data === undefined ? past.error : null };
}

/** Lines of the same grid over one list of times. */
export function together(one: Lines, other: Lines): Lines {
  const times = [...new Set([...one.times, ...other.times])].sort((a, b) => a - b);
  const spread = ({ times: own, lines }: Lines) => {
    const places = new Map(own.map((at, place) => [at, place]));
    return lines.map((line) => ({ ...line, values: times.map((at) => line.values[places.get(at) ?? -1] ?? null) }));
  };
  return { times, lines: [...spread(one), ...spread(other)] };
}
