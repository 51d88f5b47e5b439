// A status by colour, shape and word: no one of them alone. Used in tables, cards and lists.
import type { ReactNode } from "react";
import classes from "./StatusBadge.module.css";

export type Tone = "ok" | "busy" | "warn" | "bad" | "unknown" | "quiet";
export type Shape = "dot" | "ring" | "triangle" | "cross" | "bar" | "arrow" | "hatch";
export interface Status {
  readonly tone: Tone;
  readonly shape: Shape;
  readonly word: string;
}

export type Named = Tone | "info" | "neutral";

const SHAPES: Readonly<Record<Named, Shape>> = {
  ok: "dot",
  busy: "arrow",
  info: "arrow",
  warn: "triangle",
  bad: "cross",
  unknown: "hatch",
  quiet: "ring",
  neutral: "ring",
};

const TONES: Readonly<Record<Named, Tone>> = {
  ok: "ok",
  busy: "busy",
  info: "busy",
  warn: "warn",
  bad: "bad",
  unknown: "unknown",
  quiet: "quiet",
  neutral: "quiet",
};

interface Props {
  readonly status: Named | Status;
  /** The word; where it is left out, that of the status. */
  readonly children?: ReactNode;
}

/** Shape and word on a ground of its colour. */
export function StatusBadge({ status, children }: Props) {
  const [tone, shape, word] =
    typeof status === "string" ? [TONES[status], SHAPES[status], status] : [status.tone, status.shape, status.word];
  return (
    <span className={classes.badge} data-tone={tone}>
      <Drawn shape={shape} />
      {children ?? word}
    </span>
  );
}

/** The shape alone, for beside a word. */
export function StatusMark({ status }: { readonly status: Pick<Status, "tone" | "shape"> }) {
  return (
    <span className={classes.mark} data-tone={status.tone}>
      <Drawn shape={status.shape} />
    </span>
  );
}

function Drawn({ shape }: { readonly shape: Shape }) {
  return (
    <svg className={classes.shape} viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
      {shape === "dot" && <circle cx="5" cy="5" r="4" />}
      {shape === "ring" && <circle cx="5" cy="5" r="3.4" className={classes.line} />}
      {shape === "triangle" && <path d="M5 .8 9.6 9H.4Z" />}
      {shape === "cross" && <path d="M1.5 1.5l7 7m0-7l-7 7" className={classes.line} />}
      {shape === "bar" && <rect x="1" y="3.6" width="8" height="2.8" rx="1" />}
      {shape === "arrow" && <path d="M2 .8 9 5 2 9.2Z" />}
      {shape === "hatch" && <path d="M.5 4.5l4-4m-4 9l9-9m-4 9l4-4" className={classes.line} />}
    </svg>
  );
}
