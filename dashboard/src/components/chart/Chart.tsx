// Lines over time: a range is chosen by drawing over it, what is not known is a gap, the values under the pointer (or the
// arrow keys) stand in the legend so that nothing moves. Used by the pages of nodes and GPUs.
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import type uPlot from "uplot";
import { clock, exact } from "../../data/format/moment";
import type { Unit } from "../../data/format/quantity";
import { useScheme } from "../../theme/useScheme";
import { Quantity } from "../Quantity";
import classes from "./Chart.module.css";
import { coloursOf } from "./colours";
import { Marks, type Mark } from "./Marks";
import { type Frame, plotOf } from "./plot";

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

export function Chart({ lines, unit, most = null, marks = NO_MARKS, start, end, loading = false, onRange, height = 160 }: Props) {
  const scheme = useScheme();
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const chosen = useRef(onRange);
  const [at, setAt] = useState<number | null>(null);
  const [frame, setFrame] = useState<Frame | null>(null);
  const shape = lines.lines.map((line) => `${line.before === true ? "-" : "+"}${line.label}`).join("\n");
  const data = useRef({ lines, start, end, most });

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

  const press = (event: KeyboardEvent) => {
    const drawn = plot.current;
    const last = lines.times.length - 1;
    const from = at ?? last;
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last }[event.key];
    if (drawn === null || to === undefined || last < 0) return;
    event.preventDefault();
    const time = lines.times[Math.min(last, Math.max(0, to))] ?? end;
    drawn.setCursor({ left: drawn.valToPos(time, "x"), top: 10 });
  };

  const colours = coloursOf(lines.lines, scheme);
  const moment = at === null ? undefined : lines.times[at];
  return (
    <figure className={classes.chart}>
      <div
        ref={box}
        className={classes.plot}
        style={{ height }}
        data-loading={loading || undefined}
        role="group"
        tabIndex={0}
        aria-label="Chart; arrow keys move along it"
        onKeyDown={press}
      />
      {!loading && lines.times.length === 0 && <span className={classes.nothing}>Nothing was measured in this time</span>}
      <Marks marks={marks} start={start} end={end} frame={frame} />
      <figcaption className={classes.legend}>
        <span className={classes.when} title={moment === undefined ? undefined : exact(moment * 1000)}>
          {moment === undefined ? "latest" : clock(moment * 1000)}
        </span>
        {lines.lines.map((line, nth) => (
          <span key={line.label} className={classes.entry}>
            <svg width="12" height="4" aria-hidden="true">
              <line x1="0" y1="2" x2="12" y2="2" stroke={colours[nth]} strokeWidth="3" strokeDasharray={line.before === true ? "3 2" : undefined} />
            </svg>
            {line.label}
            <b className={classes.value}>
              <Quantity value={at === null ? latest(line.values) : (line.values[at] ?? null)} unit={unit} />
            </b>
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function latest(values: readonly (number | null)[]): number | null {
  return values[values.length - 1] ?? null;
}
