// One metric of all GPUs of a node over time, a strip for each: what is unlike its neighbours is seen at once. What is
// compared with stands beneath each, thinner. Used by the pages of nodes and GPUs.
import { type KeyboardEvent, type PointerEvent, useEffect, useMemo, useRef } from "react";
import { useElementSize } from "@mantine/hooks";
import { Quantity } from "../../components/Quantity";
import { Refusal } from "../../components/Refusal";
import { clock, exact } from "../../data/format/moment";
import { quantity, said } from "../../data/format/quantity";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { SCALE, type Scheme } from "../../theme/palette";
import { useScheme } from "../../theme/useScheme";
import type { Line } from "./lines";
import { type PastOf, usePastLines } from "./past-lines";
import classes from "./PastStrips.module.css";
import { boundsOf, pointAt, type Run, runsOf } from "./strips";
import { shiftOf, stepOf } from "./time-range";

interface Props extends Omit<PastOf, "gpu" | "beside"> {
  readonly unit: "percent" | "bytes" | "celsius" | "watts";
  readonly most: number | null;
  /** UUIDs by index, as labels of lines name them. */
  readonly uuids: ReadonlyMap<string, string>;
  /** The label of the one that the page is about, where it is about one. */
  readonly own?: string;
  /** The moment that is pointed at in any of the page's strips, epoch seconds; null: none is. */
  readonly at: number | null;
  readonly onAt: (at: number | null) => void;
}

const HIGH = 16;
const LOW = 5;
const GAP = 2;

export function PastStrips({ unit, most, uuids, own, at, onAt, ...of }: Props) {
  const { lines, loading, error } = usePastLines({ ...of, gpu: null });
  const scheme = useScheme();
  const { start, end } = of.range;
  const compared = shiftOf(of.compare, of.range) !== null;
  const step = Math.max(stepOf(of.range), (lines.times[1] ?? 0) - (lines.times[0] ?? 0));
  const bounds = useMemo(() => boundsOf(unit, most, lines.lines), [unit, most, lines]);
  const rows = useMemo(() => {
    const runs = (line: Line) => runsOf(lines.times, line.values, step, [start, end], bounds);
    const now = lines.lines.filter((line) => !line.before);
    // The place of what is being asked for, of its later height.
    if (loading) return [...uuids.keys()].map((label) => ({ label, values: [], runs: [], before: compared ? [] : null }));
    return now.map((line) => {
      const before = lines.lines.find((one) => one.before && one.label === `${line.label}, earlier`);
      return { label: line.label, values: line.values, runs: runs(line), before: before === undefined ? null : runs(before) };
    });
  }, [lines, loading, step, start, end, bounds, uuids, compared]);
  if (error !== null) return <Refusal error={error} />;
  const nth = at === null ? null : pointAt(lines.times, at, step);
  const move = (event: PointerEvent<HTMLElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    onAt(start + ((end - start) * (event.clientX - left)) / Math.max(1, width));
  };
  const press = (event: KeyboardEvent) => {
    const to = { ArrowLeft: (at ?? end) - step, ArrowRight: (at ?? end) + step, Home: start, End: end - step, Escape: null }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    onAt(to === null ? null : Math.min(end, Math.max(start, to)));
  };
  return (
    <section className={classes.whole} aria-label={of.title} data-loading={loading || undefined}>
      <header className={classes.head}>
        <h3>{of.title}</h3>
        <Scale scheme={scheme} from={said(quantity(bounds[0], unit))} to={said(quantity(bounds[1], unit))} />
        <span className={classes.when} title={at === null ? undefined : exact(at * 1000)}>
          {at === null ? "latest" : clock(at * 1000)}
        </span>
      </header>
      <div className={classes.rows}>
        <ul className={classes.names}>
          {rows.map(({ label, before }) => (
            <li key={label} data-compared={before !== null || undefined} data-own={label === own || undefined}>
              <Link to={paths.gpu(uuids.get(label) ?? "")}>{label}</Link>
            </li>
          ))}
        </ul>
        <div
          className={classes.strips}
          role="group"
          tabIndex={0}
          aria-label={`${of.title} over time; arrow keys move along it, values stand beside`}
          onPointerMove={move}
          onPointerLeave={() => onAt(null)}
          onKeyDown={press}
          onBlur={() => onAt(null)}
        >
          <Strips rows={rows} scheme={scheme} />
          {at !== null && <span className={classes.cursor} style={{ left: `${(100 * (at - start)) / (end - start)}%` }} />}
        </div>
        <ul className={classes.values}>
          {rows.map(({ label, values, before }) => (
            <li key={label} data-compared={before !== null || undefined}>
              <Quantity value={at === null ? (values.at(-1) ?? null) : nth === null ? null : (values[nth] ?? null)} unit={unit} />
            </li>
          ))}
        </ul>
      </div>
      <div className={classes.times} aria-hidden="true">
        {[0, 0.25, 0.5, 0.75, 1].map((part) => (
          <span key={part}>{timeText(start + part * (end - start), end - start)}</span>
        ))}
      </div>
    </section>
  );
}

function timeText(at: number, long: number): string {
  const date = new Date(at * 1000);
  const hour = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  const day = date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return long > 3 * 86_400 ? day : long > 86_400 ? `${day} ${hour}` : hour;
}

interface Row {
  readonly runs: readonly Run[];
  readonly before: readonly Run[] | null;
}

/** All strips on one canvas: a node may have sixteen GPUs, and its page four metrics. */
function Strips({ rows, scheme }: { readonly rows: readonly Row[]; readonly scheme: Scheme }) {
  const { ref, width } = useElementSize();
  const canvas = useRef<HTMLCanvasElement>(null);
  const high = Math.max(HIGH, rows.reduce((sum, row) => sum + heightOf(row) + GAP, -GAP));
  useEffect(() => {
    if (canvas.current !== null && width > 0) drawn(canvas.current, rows, width, high, scheme);
  }, [rows, width, high, scheme]);
  return (
    <div ref={ref} style={{ height: high }}>
      <canvas ref={canvas} className={classes.canvas} aria-hidden="true" />
    </div>
  );
}

function heightOf({ before }: Row): number {
  return before === null ? HIGH : HIGH + 1 + LOW;
}

function drawn(canvas: HTMLCanvasElement, rows: readonly Row[], width: number, high: number, scheme: Scheme): void {
  const ratio = window.devicePixelRatio;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(high * ratio);
  const pen = canvas.getContext("2d");
  if (pen === null) return;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const style = getComputedStyle(canvas);
  const [ground, ink] = ["--unknown-soft", "--border-strong"].map((name) => style.getPropertyValue(name).trim());
  const strip = (runs: readonly Run[], top: number, tall: number) => {
    for (const { from, to, step } of runs) {
      const [left, wide] = [from * width, (to - from) * width];
      pen.fillStyle = (step === null ? ground : SCALE[scheme][step]) ?? "";
      pen.fillRect(left, top, wide, tall);
      if (step === null) hatched(pen, left, top, wide, tall, ink ?? "");
    }
  };
  let top = 0;
  for (const row of rows) {
    strip(row.runs, top, HIGH);
    if (row.before !== null) strip(row.before, top + HIGH + 1, LOW);
    top += heightOf(row) + GAP;
  }
}

/** What is not known is hatched: never the colour of nothing. */
function hatched(pen: CanvasRenderingContext2D, left: number, top: number, wide: number, tall: number, ink: string): void {
  pen.save();
  pen.beginPath();
  pen.rect(left, top, wide, tall);
  pen.clip();
  pen.beginPath();
  for (let x = left - tall - (left % 6); x < left + wide; x += 6) {
    pen.moveTo(x, top + tall);
    pen.lineTo(x + tall, top);
  }
  pen.strokeStyle = ink;
  pen.stroke();
  pen.restore();
}

function Scale({ scheme, from, to }: { readonly scheme: Scheme; readonly from: string; readonly to: string }) {
  return (
    <span className={classes.scale}>
      {from}
      <svg width="80" height="8" aria-hidden="true">
        {SCALE[scheme].map((colour, nth) => (
          <rect key={colour} x={nth * 8} width="8" height="8" fill={colour} />
        ))}
      </svg>
      {to}
    </span>
  );
}
