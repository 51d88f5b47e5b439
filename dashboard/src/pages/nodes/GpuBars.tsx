// The GPUs of a node as small bars. Used by the table of nodes. A bar's height is its utilisation; its manner says
// whether it is free: filled is a job's, an outline is free, stripes are blocked, dots are unknown.
import { useId } from "react";
import { Unknown } from "../../components/Unknown";
import { freeCount, freeOf, type Bar } from "./gpu-bars";
import classes from "./GpuBars.module.css";

const WIDE = 7;
const GAP = 2;
const HIGH = 20;

export function GpuBars({ bars }: { readonly bars: readonly Bar[] | null }) {
  const stripes = useId();
  if (bars === null || bars.length === 0) return <span className={classes.none}>{freeOf(bars)}</span>;
  const width = bars.length * (WIDE + GAP) - GAP;
  return (
    <span className={classes.whole} title={freeOf(bars)}>
      <svg className={classes.bars} width={width} height={HIGH} viewBox={`0 0 ${width} ${HIGH}`} aria-hidden="true">
        <pattern id={stripes} width="3" height="3" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="1.5" height="3" className={classes.stripe} />
        </pattern>
        {bars.map((bar, nth) => (
          <One key={bar.uuid} bar={bar} x={nth * (WIDE + GAP)} stripes={stripes} />
        ))}
      </svg>
      <span className="only-read">{freeOf(bars)}</span>
    </span>
  );
}

/** "2 of 8", as figures of a column: the first is what one looks for. */
export function FreeOf({ bars }: { readonly bars: readonly Bar[] | null }) {
  const free = freeCount(bars);
  if (bars?.length === 0) return <span className={classes.none}>no GPU</span>;
  return (
    <span className={classes.count} data-free={(free ?? 0) > 0 || undefined}>
      {free === null ? <Unknown /> : <b>{free}</b>}
      {bars !== null && <span className={classes.of}> of {bars.length}</span>}
    </span>
  );
}

function One({ bar, x, stripes }: { readonly bar: Bar; readonly x: number; readonly stripes: string }) {
  const inner = HIGH - 2;
  const high = bar.percent === null ? 0 : Math.max(1, (inner * Math.min(bar.percent, 100)) / 100);
  return (
    <g>
      <title>{bar.says}</title>
      <rect x={x + 0.5} y={0.5} width={WIDE - 1} height={HIGH - 1} rx={1} className={classes[bar.use]} />
      {bar.percent === null ? (
        <text x={x + WIDE / 2} y={HIGH / 2 + 4} textAnchor="middle" className={classes.ask}>
          ?
        </text>
      ) : (
        <rect x={x + 1} y={HIGH - 1 - high} width={WIDE - 2} height={high} className={classes.fill} data-use={bar.use} />
      )}
      {bar.use === "blocked" && (
        <rect x={x + 1} y={1} width={WIDE - 2} height={inner} fill={`url(#${stripes})`} />
      )}
    </g>
  );
}
