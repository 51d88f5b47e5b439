// One metric of a GPU, or of all GPUs of a node, over time. Used by the pages of nodes and GPUs.
import { useMemo } from "react";
import { Chart } from "../../components/chart/Chart";
import { Refusal } from "../../components/Refusal";
import { usePast } from "../../data/past";
import { byIndex, linesOf } from "./lines";
import type { Mark } from "./marks";
import { fixedText, shiftOf, stepOf, type TimeRange } from "./time-range";
import classes from "./PastChart.module.css";

interface Props {
  readonly title: string;
  readonly metric: string;
  readonly unit: "percent" | "bytes" | "celsius" | "watts";
  /** The greatest value that there can be, where that is known. */
  readonly most: number | null;
  readonly node: string;
  /** A UUID; null: all GPUs of the node, a line for each. */
  readonly gpu: string | null;
  readonly range: TimeRange;
  readonly compare: string;
  readonly marks: readonly Mark[];
  /** Somebody drew a range. */
  readonly onRange: (text: string) => void;
}

export function PastChart({ title, metric, unit, most, node, gpu, range, compare, marks, onRange }: Props) {
  const step = stepOf(range);
  const shift = shiftOf(compare, range);
  const asked = { metric, node, gpu, step, start: range.start, end: range.end, moving: range.span !== null };
  const past = usePast(asked);
  const back = shift ?? 0;
  const earlier = usePast({ ...asked, start: range.start - back, end: range.end - back }, shift !== null);
  const series = past.data?.series;
  const before = shift === null ? undefined : earlier.data?.series;
  const grid = past.data?.step ?? step;
  const lines = useMemo(
    () =>
      linesOf(byIndex(series ?? []), byIndex(before ?? []), back, grid, (labels) =>
        gpu === null ? `GPU ${labels.gpu ?? "?"}` : title,
      ),
    [series, before, back, grid, gpu, title],
  );
  if (past.data === undefined && past.error !== null) return <Refusal error={past.error} />;
  return (
    <section className={classes.chart} aria-label={title}>
      <h3>{title}</h3>
      <Chart
        lines={lines}
        unit={unit}
        most={most}
        marks={marks}
        start={range.start}
        end={range.end}
        loading={past.isPending}
        onRange={(start: number, end: number) => onRange(fixedText(start, end))}
      />
    </section>
  );
}
