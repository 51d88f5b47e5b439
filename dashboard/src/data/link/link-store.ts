// The page's one link state. data/ask.ts and the fleet stream say what they hear; components ask `useLink`.
import { useSyncExternalStore } from "react";
import { afterBreak, afterHearing, afterWaiting, type Link, START } from "./link";

let link: Link = START;
const listeners = new Set<() => void>();

function become(next: Link): void {
  // Each byte moves `heardAt`, which nobody draws: only a change of kind is told.
  const told = next.kind !== link.kind;
  link = next;
  if (told) for (const listener of listeners) listener();
}

export const heard = (): void => become(afterHearing(link, Date.now()));
export const silent = (): void => become(afterBreak(link, Date.now()));
/** Nothing is listened to while nobody looks: whether the controller can be heard is not known, and not lost. */
export const asleep = (): void => become(START);
export const currentLink = (): Link => link;

/** What is drawn: the same object while its kind stays, as React wants it. */
let drawn: Link = link;

function snapshot(): Link {
  if (drawn.kind !== link.kind) drawn = link;
  return drawn;
}

// One timer, however many look.
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) timer = setInterval(() => become(afterWaiting(link, Date.now())), 1000);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) clearInterval(timer);
  };
}

export function useLink(): Link {
  return useSyncExternalStore(subscribe, snapshot);
}
