// Answers of history as the lines of a chart: one list of times, and for each line a value for each of them. Pure; used by
// the charts of nodes and GPUs. What was not measured is null: a gap in the line, never a zero.

export interface OneSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [number, number | null])[];
}

export interface Line {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** Drawn beneath, paler: what is compared with. */
  readonly before: boolean;
}

export interface Lines {
  /** Epoch seconds, rising. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
}

interface Named {
  readonly label: string;
  readonly points: OneSeries["points"];
  readonly before: boolean;
}

/** `earlier` is of `shift` seconds before, and is drawn where it would be now; its points fall on the nearest of ours. */
export function linesOf(
  now: readonly OneSeries[],
  earlier: readonly OneSeries[],
  shift: number,
  step: number,
  label: (labels: Readonly<Record<string, string>>) => string,
): Lines {
  const named: Named[] = [
    ...now.map((one) => ({ label: label(one.labels), points: one.points, before: false })),
    ...earlier.map((one) => ({
      label: `${label(one.labels)}, earlier`,
      points: one.points.map(([at, value]) => [onGrid(at + shift, step), value] as const),
      before: true,
    })),
  ];
  const open = openStep(now);
  const times = [...new Set(named.flatMap((one) => one.points.map(([at]) => at)))]
    .filter((at) => open === null || at < open)
    .sort((a, b) => a - b);
  const places = new Map(times.map((at, place) => [at, place]));
  return {
    times,
    lines: named.map(({ label: text, points, before }) => {
      const values = new Array<number | null>(times.length).fill(null);
      for (const [at, value] of points) {
        const place = places.get(at);
        if (place !== undefined) values[place] = value;
      }
      return { label: text, values, before };
    }),
  };
}

/** The last step has only just begun: where nothing was measured in it yet, but was in the one before, it is no gap. */
function openStep(series: readonly OneSeries[]): number | null {
  const last = series.map((one) => one.points.at(-1));
  const before = series.map((one) => one.points.at(-2));
  if (last.some((point) => (point?.[1] ?? null) !== null)) return null;
  return before.some((point) => (point?.[1] ?? null) !== null) ? (last[0]?.[0] ?? null) : null;
}

function onGrid(at: number, step: number): number {
  return step > 0 ? Math.round(at / step) * step : at;
}

/** GPUs of a node by index, whatever order they came in. */
export function byIndex(series: readonly OneSeries[]): readonly OneSeries[] {
  return [...series].sort((a, b) => Number(a.labels.gpu ?? 0) - Number(b.labels.gpu ?? 0));
}
