// How a chart is drawn by uPlot. Used by Chart.tsx, which holds it.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { quantity, said, type Unit } from "../../data/format/quantity";
import type { Scheme } from "../../theme/palette";
import type { Lines } from "./Chart";
import { coloursOf } from "./colours";

/** Where the plot is within the chart, in pixels. */
export interface Frame {
  readonly left: number;
  readonly width: number;
}

export interface Drawing {
  readonly now: () => { readonly lines: Lines; readonly start: number; readonly end: number; readonly most: number | null };
  readonly unit: Unit;
  readonly scheme: Scheme;
  readonly height: number;
  /** Which lines are not drawn, by their place. */
  readonly hidden: (nth: number) => boolean;
  /** A line that is pointed at, by its place; null: none. */
  readonly onFocus: (nth: number | null) => void;
  readonly onCursor: (at: number | null) => void;
  readonly onFrame: (frame: Frame) => void;
  readonly onRange: (start: number, end: number) => void;
}

/** Steps that are round in powers of 1024. */
const POWERS = Array.from({ length: 50 }, (_, power) => 2 ** power);

/** Beyond that many, a line that is pointed at makes the others fade: else they are a tangle. */
const FEW = 1;

/** All charts of a page show the same moment; what is drawn over one is of that one alone. */
const SHARED: uPlot.Cursor.Sync = {
  key: "sentinel",
  scales: ["x", null],
  setSeries: false,
  filters: { pub: (type) => type === "mousemove" || type === "mouseleave", sub: () => true },
};

export function plotOf(holder: HTMLElement, drawing: Drawing): uPlot {
  const { now, unit, scheme, height, hidden, onFocus, onCursor, onFrame, onRange } = drawing;
  const { lines, start, end } = now();
  const style = getComputedStyle(holder);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const font = `11px ${colour("--font")}`;
  const colours = coloursOf(lines.lines, scheme);
  const axis = {
    stroke: colour("--text-2"),
    font,
    grid: { stroke: colour("--border"), width: 1 },
    ticks: { show: false },
  };
  const frame = (plot: uPlot) =>
    onFrame({ left: plot.bbox.left / uPlot.pxRatio, width: plot.bbox.width / uPlot.pxRatio });
  const options: uPlot.Options = {
    width: Math.max(120, holder.clientWidth),
    height,
    padding: [10, 8, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { size: 6 },
      drag: { x: true, y: false, setScale: false },
      sync: SHARED,
      ...(lines.lines.length > FEW ? { focus: { prox: 24 } } : {}),
    },
    focus: { alpha: 0.2 },
    select: { show: true, left: 0, top: 0, width: 0, height: 0 },
    scales: {
      x: { time: true, auto: false, range: (_, min, max) => [min, max] },
      y: { range: (_, __, max) => [0, now().most ?? Math.max(max * 1.05, 1)] },
    },
    axes: [
      { ...axis, size: 24, values: times },
      { ...axis, size: 64, ...(unit === "bytes" ? { incrs: POWERS } : {}), values: (_, splits) => splits.map((value) => said(quantity(value, unit))) },
    ],
    series: [
      {},
      ...lines.lines.map((line, nth) => ({
        label: line.label,
        stroke: colours[nth] ?? axis.stroke,
        width: line.before === true ? 1 : 1.5,
        ...(line.before === true ? { dash: [4, 3] } : {}),
        show: !hidden(nth),
        spanGaps: false,
        // A single value between gaps would else not be seen.
        points: { size: 4, filter: lonely },
      })),
    ],
    hooks: {
      ready: [frame],
      setSize: [frame],
      setSeries: [(_, nth) => onFocus(nth === null || nth === 0 ? null : nth - 1)],
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 4) return;
          onRange(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
  const data: uPlot.AlignedData = [[...lines.times], ...lines.lines.map((line) => [...line.values])];
  const plot = new uPlot(options, data, holder);
  plot.setScale("x", { min: start, max: end });
  return plot;
}

function lonely(plot: uPlot, series: number): number[] {
  const values = plot.data[series] ?? [];
  const found: number[] = [];
  for (let at = 0; at < values.length; at += 1) {
    if (values[at] != null && values[at - 1] == null && values[at + 1] == null) found.push(at);
  }
  return found;
}

/** "21:35", and the day where it is another. */
function times(_: uPlot, splits: readonly number[]): string[] {
  const step = (splits[1] ?? 0) - (splits[0] ?? 0);
  let day = "";
  return splits.map((at) => {
    const date = new Date(at * 1000);
    const today = date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    const hour = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", ...(step < 60 ? { second: "2-digit" } : {}) });
    const other = today !== day && (day !== "" || step >= 86_400);
    day = today;
    return other || step >= 86_400 ? today : hour;
  });
}
