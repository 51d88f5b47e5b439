// What was held, period by period, as stacked bars: computing, idle, not known. Used by page usage. One of the bars may be
// chosen by pointer or arrow keys; its figures stand in the legend, so nothing moves.
import { useElementSize } from "@mantine/hooks";
import { type KeyboardEvent, type PointerEvent, useState } from "react";
import { Quantity } from "../../components/Quantity";
import css from "./Bars.module.css";
import { gpuHours, percent } from "./hours";
import { heldIn, labelled, type Period, ticksUpTo } from "./periods";
import type { Parts } from "./use";
import { dayLabel, periodLabel } from "./when";

const PARTS: readonly { part: keyof Parts; word: string }[] = [
  { part: "busy", word: "Computing" },
  { part: "idle", word: "Idle" },
  { part: "unknown", word: "Not known" },
];
const ROOM_OF_A_LABEL = 72;

export function Bars({ periods }: { periods: readonly Period[] }) {
  const { ref, width } = useElementSize();
  const [at, setAt] = useState<number | null>(null);
  const ticks = ticksUpTo(Math.max(...periods.map(heldIn), 0));
  const top = ticks[ticks.length - 1] ?? 1;
  const shown = labelled(periods.length, Math.floor(width / ROOM_OF_A_LABEL) || 6);
  const chosen = at === null ? undefined : periods[at];

  const point = (event: PointerEvent<HTMLElement>) => {
    const { left, width: whole } = event.currentTarget.getBoundingClientRect();
    const nth = Math.floor(((event.clientX - left) / whole) * periods.length);
    setAt(Math.min(periods.length - 1, Math.max(0, nth)));
  };
  const press = (event: KeyboardEvent) => {
    const last = periods.length - 1;
    const from = at ?? last;
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last }[event.key];
    if (event.key === "Escape") setAt(null);
    else if (to !== undefined) setAt(Math.min(last, Math.max(0, to)));
    else return;
    event.preventDefault();
  };

  return (
    <figure className={css.figure}>
      <figcaption className={css.key}>
        <span className={css.when}>{chosen === undefined ? "GPU-hours held" : periodLabel(chosen)}</span>
        {PARTS.map(({ part, word }) => (
          <span key={part} className={css.entry}>
            <span className={css.swatch} data-part={part} aria-hidden="true" />
            {word}
            <b className={css.value}>{chosen !== undefined && <Value period={chosen} part={part} />}</b>
          </span>
        ))}
        <span className={css.entry}>
          <span className={css.swatch} data-part="recorded" aria-hidden="true" />
          Recorded
          <b className={css.value}>
            {chosen !== undefined && (
              <Quantity
                value={percent(chosen.coverage === null ? null : 100 * chosen.coverage)}
                why="how much was recorded is not known"
              />
            )}
          </b>
        </span>
      </figcaption>
      <div className={css.chart}>
        <div className={css.scale} aria-hidden="true">
          {ticks.map((tick) => (
            <span key={tick} style={{ bottom: `${(100 * tick) / top}%` }}>
              {tick.toLocaleString("en").replaceAll(",", "\u202f")}
            </span>
          ))}
        </div>
        <div
          ref={ref}
          className={css.plot}
          role="slider"
          tabIndex={0}
          aria-label="GPU-hours held, by time; arrow keys move"
          aria-valuemin={0}
          aria-valuemax={Math.max(0, periods.length - 1)}
          aria-valuenow={at ?? Math.max(0, periods.length - 1)}
          aria-valuetext={chosen === undefined ? "none chosen" : spoken(chosen)}
          onPointerMove={point}
          onPointerDown={point}
          onPointerLeave={(event) => event.pointerType !== "touch" && setAt(null)}
          onKeyDown={press}
          onBlur={() => setAt(null)}
        >
          {ticks.map((tick) => (
            <span key={tick} className={css.line} style={{ bottom: `${(100 * tick) / top}%` }} />
          ))}
          {periods.map((period, nth) => (
            <span key={period.start} className={css.column} data-chosen={nth === at || undefined}>
              {period.parts === null ? <span className={css.none} /> : <Stack parts={period.parts} top={top} />}
            </span>
          ))}
        </div>
        <div className={css.strip} aria-hidden="true">
          {periods.map((period) => (
            <span key={period.start} className={css.track}>
              <span className={css.recorded} style={{ width: `${100 * (period.coverage ?? 0)}%` }} />
            </span>
          ))}
        </div>
        <div className={css.times} aria-hidden="true">
          {periods.map((period, nth) => (
            <span key={period.start}>{shown.has(nth) && <i>{dayLabel(period)}</i>}</span>
          ))}
        </div>
      </div>
    </figure>
  );
}

function Stack({ parts, top }: { parts: Parts; top: number }) {
  const some = PARTS.filter(({ part }) => parts[part] > 0);
  return some.map(({ part }) => (
    <span
      key={part}
      className={css.part}
      data-part={part}
      style={{ height: `${((100 * parts[part]) / top).toFixed(3)}%` }}
    />
  ));
}

function Value({ period, part }: { period: Period; part: keyof Parts }) {
  return <Quantity value={period.parts === null ? null : gpuHours(period.parts[part])} why="nothing was recorded" />;
}

function spoken(period: Period): string {
  const { parts } = period;
  if (parts === null) return `${periodLabel(period)}: nothing was recorded`;
  const words = PARTS.map(({ part, word }) => `${word.toLowerCase()} ${gpuHours(parts[part])?.value ?? ""}`);
  return `${periodLabel(period)}: ${words.join(", ")} GPU-hours`;
}
