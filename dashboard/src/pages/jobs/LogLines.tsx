// The lines of a log, of which only those in sight are in the page: fifty thousand scroll like fifty. Used by LogPanel.
//
// At the end it stays at the end while lines come; scrolled up, it stays where it is.
import { useLayoutEffect, useRef, useState } from "react";
import type { LogBuffer } from "./log-buffer";
import classes from "./LogLines.module.css";

const LINE = 18; // pixels, as in the style sheet
const FEW = 12; // lines for which little room is enough
const BESIDE = 30; // lines above and below what is in sight

interface Props {
  readonly buffer: LogBuffer;
  /** How many lines are shown: fewer than there are while it is paused. */
  readonly count: number;
  readonly label: string;
  readonly search: string;
  /** The line to bring into sight, and to mark. */
  readonly found: number | null;
  readonly atEnd: boolean;
  readonly onAtEnd: (atEnd: boolean) => void;
}

export function LogLines({ buffer, count, label, search, found, atEnd, onAtEnd }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const dropped = useRef(0);
  const [view, setView] = useState({ top: 0, height: 600 });

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const gone = buffer.dropped - dropped.current;
    dropped.current = buffer.dropped;
    if (atEnd) element.scrollTop = element.scrollHeight;
    else if (gone > 0) element.scrollTop -= gone * LINE;
  });
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null || found === null) return;
    const [top, height] = [found * LINE, element.clientHeight];
    if (top < element.scrollTop || top + LINE > element.scrollTop + height) element.scrollTop = top - height / 3;
  }, [found]);

  function look(element: HTMLDivElement): void {
    setView({ top: element.scrollTop, height: element.clientHeight });
    const end = element.scrollTop + element.clientHeight >= element.scrollHeight - LINE;
    if (end !== atEnd) onAtEnd(end);
  }

  const first = Math.max(0, Math.floor(view.top / LINE) - BESIDE);
  const last = Math.min(count, Math.ceil((view.top + view.height) / LINE) + BESIDE);
  const shown = Array.from({ length: Math.max(0, last - first) }, (_, at) => first + at);
  return (
    <div
      ref={box}
      className={classes.box}
      data-short={count < FEW || undefined}
      role="log"
      aria-label={label}
      aria-live="off"
      tabIndex={0}
      onScroll={(event) => look(event.currentTarget)}
    >
      <div className={classes.all} style={{ height: count * LINE }}>
        <div style={{ transform: `translateY(${first * LINE}px)` }}>
          {shown.map((at) => (
            <div key={buffer.dropped + at} className={classes.line} data-found={at === found || undefined}>
              <Marked text={buffer.line(at)} search={search} />
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

function Marked({ text, search }: { readonly text: string; readonly search: string }) {
  if (search === "") return text;
  const parts: (string | { hit: string; at: number })[] = [];
  const [low, wanted] = [text.toLowerCase(), search.toLowerCase()];
  // A letter whose small form is longer would shift all that follows: then nothing is marked.
  if (low.length !== text.length) return text;
  let from = 0;
  for (let at = low.indexOf(wanted); at !== -1; at = low.indexOf(wanted, from)) {
    parts.push(text.slice(from, at), { hit: text.slice(at, at + wanted.length), at });
    from = at + wanted.length;
  }
  parts.push(text.slice(from));
  return parts.map((part) => (typeof part === "string" ? part : <mark key={part.at}>{part.hit}</mark>));
}
