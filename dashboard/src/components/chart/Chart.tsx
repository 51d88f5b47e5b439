// Lines over time: a range is chosen by drawing over it, what is not known is a gap, the values under the pointer (or the
// arrow keys) stand in the legend so that nothing moves. A line that is pointed at, in the chart or in the legend, stands
// out; a click on its name hides it. Used by the pages of nodes, GPUs and jobs.
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import type uPlot from "uplot";
import { exact } from "../../data/format/moment";
import { quantity, said, type Unit } from "../../data/format/quantity";
import { useScheme } from "../../theme/useScheme";
import classes from "./Chart.module.css";
import { coloursOf } from "./colours";
import { Legend } from "./Legend";
import { Marks, type Mark } from "./Marks";
import { type Frame, plotOf } from "./plot";
import { Values } from "./Values";

export interface Line {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** Drawn beneath, paler: what is compared with. */
  readonly before?: boolean;
}

export interface Lines {
  /** Epoch seconds, rising. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
}

interface Props {
  readonly lines: Lines;
  readonly unit: Unit;
  /** The top of the scale; null: the greatest value. */
  readonly most?: number | null;
  readonly marks?: readonly Mark[];
  /** Epoch seconds. */
  readonly start: number;
  readonly end: number;
  readonly loading?: boolean;
  /** Somebody drew over a range. */
  readonly onRange?: (start: number, end: number) => void;
  readonly height?: number;
}

const NO_MARKS: readonly Mark[] = [];
const NOTHING: ReadonlySet<string> = new Set();

export function Chart({ lines, unit, most = null, marks = NO_MARKS, start, end, loading = false, onRange, height = 160 }: Props) {
  const scheme = useScheme();
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const chosen = useRef(onRange);
  const [at, setAt] = useState<number | null>(null);
  const [focused, setFocused] = useState<number | null>(null);
  const [hidden, setHidden] = useState(NOTHING);
  const [frame, setFrame] = useState<Frame | null>(null);
  const [table, setTable] = useState(false);
  const [told, setTold] = useState("");
  const shape = lines.lines.map((line) => `${line.before === true ? "-" : "+"}${line.label}`).join("\n");
  const data = useRef({ lines, start, end, most });
  const unseen = useRef(hidden);

  useEffect(() => {
    chosen.current = onRange;
    data.current = { lines, start, end, most };
    const drawn = plot.current;
    if (drawn?.series.length !== lines.lines.length + 1) return;
    drawn.setData([[...lines.times], ...lines.lines.map((line) => [...line.values])], false);
    drawn.setScale("x", { min: start, max: end });
  }, [lines, start, end, most, onRange]);

  useEffect(() => {
    const holder = box.current;
    if (holder === null) return;
    const made = plotOf(holder, {
      now: () => data.current,
      unit,
      scheme,
      height,
      hidden: (nth) => unseen.current.has(data.current.lines.lines[nth]?.label ?? ""),
      onFocus: setFocused,
      onCursor: setAt,
      onFrame: setFrame,
      onRange: (from, to) => chosen.current?.(from, to),
    });
    plot.current = made;
    const seen = new ResizeObserver(([entry]) => {
      const width = entry?.contentRect.width ?? 0;
      if (width > 0) made.setSize({ width, height });
    });
    seen.observe(holder);
    return () => {
      seen.disconnect();
      made.destroy();
      plot.current = null;
    };
    // `shape` stands for the lines: only other lines need another plot.
  }, [unit, scheme, height, shape]);

  const toggle = (nth: number) => {
    const label = lines.lines[nth]?.label ?? "";
    const next = new Set(hidden);
    if (!next.delete(label)) next.add(label);
    unseen.current = next;
    setHidden(next);
    plot.current?.setSeries(nth + 1, { show: !next.has(label) });
  };
  const point = (nth: number | null) => {
    setFocused(nth);
    if (lines.lines.length > 1) plot.current?.setSeries(nth === null ? null : nth + 1, { focus: true });
  };
  const press = (event: KeyboardEvent) => {
    const drawn = plot.current;
    const last = lines.times.length - 1;
    const from = at ?? last;
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last }[event.key];
    if (drawn === null || to === undefined || last < 0) return;
    event.preventDefault();
    const nth = Math.min(last, Math.max(0, to));
    const time = lines.times[nth] ?? end;
    drawn.setCursor({ left: drawn.valToPos(time, "x"), top: 10 });
    const values = lines.lines.map(({ label, values }) => `${label} ${worded(values[nth] ?? null, unit)}`);
    setTold(`${exact(time * 1000)}: ${values.join(", ")}`);
  };

  return (
    <figure className={classes.chart}>
      <div
        ref={box}
        className={classes.plot}
        style={{ height }}
        data-loading={loading || undefined}
        role="group"
        tabIndex={0}
        aria-label="Chart; arrow keys move along it, its values are in the table below it"
        onKeyDown={press}
      />
      {!loading && lines.times.length === 0 && <span className={classes.nothing}>Nothing was measured in this time</span>}
      <Marks marks={marks} start={start} end={end} frame={frame} />
      <Legend
        lines={lines}
        colours={coloursOf(lines.lines, scheme)}
        unit={unit}
        at={at}
        focused={focused}
        hidden={hidden}
        table={table}
        onPoint={point}
        onToggle={toggle}
        onTable={() => setTable(!table)}
      />
      {table && <Values lines={lines} unit={unit} />}
      <span className="only-read" role="status">
        {told}
      </span>
    </figure>
  );
}

function worded(value: number | null, unit: Unit): string {
  return value === null ? "unknown" : said(quantity(value, unit));
}
