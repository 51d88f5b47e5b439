// What happened, as marks along a chart's time: each with its words on hover and focus. One stop for the Tab key; arrow keys
// go from mark to mark. Used by Chart.tsx.
import type { KeyboardEvent } from "react";
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
  const press = (event: KeyboardEvent) => {
    const here = event.target as Element;
    const next = { ArrowRight: here.nextElementSibling, ArrowLeft: here.previousElementSibling }[event.key];
    if (!(next instanceof HTMLElement)) return;
    event.preventDefault();
    next.focus();
  };
  return (
    <div className={classes.marks} style={{ left: frame.left, width: frame.width }} role="group" aria-label="What happened" onKeyDown={press}>
      {marks
        .filter(({ at }) => at >= start && at <= end)
        .sort((one, other) => one.at - other.at)
        .map(({ at, kind, text }, nth) => {
          const part = (at - start) / (end - start);
          return (
            <button
              key={`${at} ${kind} ${text} ${nth}`}
              type="button"
              tabIndex={nth === 0 ? 0 : -1}
              className={classes.mark}
              data-kind={kind}
              data-side={part > 0.5 ? "left" : "right"}
              style={{ left: `${100 * part}%` }}
              aria-label={`${text}, ${exact(at * 1000)}`}
            >
              {SIGNS[kind]}
              <span className={classes.bubble} aria-hidden="true">
                {text}
                <small>{exact(at * 1000)}</small>
              </span>
            </button>
          );
        })}
    </div>
  );
}
