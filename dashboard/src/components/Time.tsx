// When something was or will be: how long ago, with the exact time on hover; or the other way round. Used everywhere.
import { useSyncExternalStore } from "react";
import { exact as exactly, momentOf, relative } from "../data/format/moment";
import { Unknown } from "./Unknown";

interface Props {
  /** Epoch milliseconds, or RFC 3339; null is unknown. */
  readonly at: number | string | null;
  /** The exact time, with how long ago on hover. */
  readonly exact?: boolean;
}

export function Time({ at, exact = false }: Props) {
  const now = useSyncExternalStore(subscribe, () => tick);
  const moment = at === null ? null : momentOf(at);
  if (moment === null) return <Unknown />;
  const [shown, hover] = [relative(moment, now), exactly(moment)];
  return (
    <time dateTime={new Date(moment).toISOString()} title={exact ? shown : hover}>
      {exact ? hover : shown}
    </time>
  );
}

// One clock for all times of a page: a thousand of them are one timer.
let tick = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    tick = Date.now();
    timer = setInterval(() => {
      tick = Date.now();
      for (const one of listeners) one();
    }, 1000);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) clearInterval(timer);
  };
}
