// What happened, as marks along a chart's time: each with its words on hover and focus. Used by Chart.tsx.
import classes from "./Chart.module.css";
import { exact } from "../../data/format/moment";
import type { Frame } from "./plot";

export interface Mark {
  /** Epoch seconds. */
  readonly at: number;
  readonly kind: "begin" | "end" | "bad" | "alert" | "node";
  readonly text: string;
}

interface Props {
  readonly marks: readonly Mark[];
  readonly start: number;
  readonly end: number;
  readonly frame: Frame | null;
}

const SIGNS: Readonly<Record<Mark["kind"], string>> = { begin: "▶", end: "■", bad: "✕", alert: "▲", node: "◆" };

export function Marks({ marks, start, end, frame }: Props) {
  if (frame === null || end <= start) return null;
  return (
    <div className={classes.marks} style={{ left: frame.left, width: frame.width }}>
      {marks
        .filter(({ at }) => at >= start && at <= end)
        .map(({ at, kind, text }) => (
          <span
            key={`${at} ${kind} ${text}`}
            className={classes.mark}
            data-kind={kind}
            style={{ left: `${(100 * (at - start)) / (end - start)}%` }}
            title={`${text}\n${exact(at * 1000)}`}
            role="img"
            aria-label={text}
          >
            {SIGNS[kind]}
          </span>
        ))}
    </div>
  );
}
