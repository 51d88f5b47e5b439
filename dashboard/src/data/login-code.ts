// The code in an address that `sentinel dashboard` prints: `/#code=…`. It is taken out of the address bar and of the history at
// once, and waits here until somebody signs in with it, or is signed in. Used by data/session.ts and the login page.
import { useSyncExternalStore } from "react";

const BEGIN = "#code=";

interface Bar {
  readonly location: Pick<Location, "hash" | "pathname" | "search">;
  readonly history: Pick<History, "replaceState" | "state">;
}

/** null: there is none in the address, which stays as it is then. */
export function takenFrom({ location, history }: Bar): string | null {
  if (!location.hash.startsWith(BEGIN)) return null;
  const code = location.hash.slice(BEGIN.length);
  history.replaceState(history.state, "", location.pathname + location.search);
  return code;
}

let waiting: string | null = null;
const listeners = new Set<() => void>();

function set(next: string | null): void {
  waiting = next;
  for (const listener of listeners) listener();
}

/** Begins to watch the address, and looks at it now. An address that is pasted where the dashboard is open already loads nothing
 *  anew: the browser only says that what is behind the # changed. */
export function watchAddress(bar: Bar & Pick<Window, "addEventListener">): void {
  const look = () => {
    const code = takenFrom(bar);
    if (code !== null) set(code);
  };
  bar.addEventListener("hashchange", look);
  look();
}

/** The code that waits, which does not wait any more: it is good once. */
export function takeCode(): string | null {
  const code = waiting;
  if (code !== null) set(null);
  return code;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether one waits. */
export const useCodeWaits = (): boolean => useSyncExternalStore(subscribe, () => waiting !== null);
