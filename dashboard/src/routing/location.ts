// Where the reader is: the address of the page, over the History API. Used by routing/**; pages use Link and useUrlState.
import { useSyncExternalStore } from "react";

export interface Place {
  readonly path: string;
  readonly search: string;
}

const listeners = new Set<() => void>();
let place: Place = read();

function read(): Place {
  return { path: window.location.pathname, search: window.location.search };
}

function changed(): void {
  const next = read();
  if (next.path === place.path && next.search === place.search) return;
  place = next;
  for (const listener of listeners) listener();
}

/** `to` is a path with its query. `replace`: going back does not come here again. */
export function go(to: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  const before = place.path;
  if (replace) window.history.replaceState(null, "", to);
  else window.history.pushState(null, "", to);
  changed();
  if (!replace && place.path !== before) window.scrollTo(0, 0);
}

export const currentPlace = (): Place => place;

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) window.addEventListener("popstate", changed);
  listeners.add(listener);
  changed();
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) window.removeEventListener("popstate", changed);
  };
}

export function usePlace(): Place {
  return useSyncExternalStore(subscribe, currentPlace);
}
