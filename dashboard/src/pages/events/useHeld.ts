// Holds a list of events still while somebody reads, and counts what comes meanwhile. Used by page events.
import { useState } from "react";
import type { Event } from "../../data/shapes";

/** `hold`: no newer ones than when it began; older ones still come. Another `key` is another list. */
export function useHeld(
  events: readonly Event[] | undefined,
  hold: boolean,
  key: string,
): { shown: readonly Event[] | undefined; waiting: number } {
  const [held, setHeld] = useState<{ key: string; last: number } | null>(null);
  const newest = events?.[events.length - 1]?.id;
  if (!hold && held !== null) setHeld(null);
  if (hold && newest !== undefined && held?.key !== key) setHeld({ key, last: newest });
  if (!hold || held?.key !== key || events === undefined) return { shown: events, waiting: 0 };
  const shown = events.filter(({ id }) => id <= held.last);
  return { shown, waiting: events.length - shown.length };
}
