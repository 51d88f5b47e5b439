// One metric of a GPU, or of all GPUs of a node, over time, as lines. Used by the pages of nodes and GPUs.
import { Chart } from "../../components/chart/Chart";
import { Refusal } from "../../components/Refusal";
import type { Mark } from "./marks";
import { type PastOf, usePastLines } from "./past-lines";
import { fixedText } from "./time-range";
import classes from "./PastChart.module.css";

interface Props extends PastOf {
  readonly unit: "percent" | "bytes" | "celsius" | "watts";
  /** The greatest value that there can be, where that is known. */
  readonly most: number | null;
  readonly marks: readonly Mark[];
  /** Somebody drew a range. */
  readonly onRange: (text: string) => void;
}

export function PastChart({ unit, most, marks, onRange, ...of }: Props) {
  const { lines, loading, error } = usePastLines(of);
  if (error !== null) return <Refusal error={error} />;
  return (
    <section className={classes.chart} aria-label={of.title}>
      <h3>{of.title}</h3>
      <Chart
        lines={lines}
        unit={unit}
        most={most}
        marks={marks}
        start={of.range.start}
        end={of.range.end}
        loading={loading}
        onRange={(start: number, end: number) => onRange(fixedText(start, end))}
      />
    </section>
  );
}
