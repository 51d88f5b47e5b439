// The page's one fleet, kept up to date by the controller's stream while somebody looks at it. Components ask `useFleet`.
import { pauseBefore } from "../link/link";
import { asleep } from "../link/link-store";
import { Refused, trouble, type Trouble } from "../refusal";
import { untilLookedAt, whileLookedAt } from "../stream/looked-at";
import { readStream } from "../stream/read-stream";
import type { StreamEvent } from "../stream/event-parser";
import { type Delta, type Fleet, withDelta } from "./fleet";

export interface Kept {
  /** null: nothing was heard yet. */
  readonly fleet: Fleet | null;
  /** When it was last heard, epoch milliseconds of this browser. */
  readonly heardAt: number | null;
  /** Whether changes come in; else what is there is old. */
  readonly live: boolean;
  readonly error: Trouble | null;
}

const START: Kept = { fleet: null, heardAt: null, live: false, error: null };

let kept: Kept = START;
const listeners = new Set<() => void>();
let stop: AbortController | null = null;
let leaving: ReturnType<typeof setTimeout> | undefined;

function become(next: Partial<Kept>): void {
  kept = { ...kept, ...next };
  // In a tab that nobody sees there is nothing to draw each second; all is told when it is looked at again.
  if (!document.hidden) tell();
}

function tell(): void {
  for (const listener of listeners) listener();
}

export const keptFleet = (): Kept => kept;

/** Somebody watched the fleet in this browser before, and was not refused since. */
const KNOWN = "sentinel:watched";
/** Milliseconds that what was begun early waits for the page. */
const EARLY = 10_000;

/** Called by main.tsx before anything is drawn: whoever watched before most likely does so again, and need not wait for the
 *  page first. Whoever did not may not be signed in, and is not asked for what would be refused. */
export function watchEarly(): void {
  if (remembered()) setTimeout(watchFleet(() => undefined), EARLY);
}

/** The first to look begins it; a moment after the last it ends. */
export function watchFleet(listener: () => void): () => void {
  if (listeners.size === 0) document.addEventListener("visibilitychange", tell);
  listeners.add(listener);
  clearTimeout(leaving);
  if (stop === null) {
    stop = new AbortController();
    const mine = stop;
    if (kept.error !== null) kept = { ...kept, error: null };
    // Refused: whoever looks next asks anew, as somebody else perhaps.
    void follow(mine.signal).then(() => {
      if (stop === mine) stop = null;
    });
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    document.removeEventListener("visibilitychange", tell);
    leaving = setTimeout(() => {
      stop?.abort();
      stop = null;
      kept = START;
    }, 2000);
  };
}

async function follow(signal: AbortSignal): Promise<void> {
  const over = () => signal.aborted;
  let lastId = "";
  for (let tries = 1; !over(); tries += 1) {
    if (document.hidden) await untilLookedAt(signal);
    if (over()) return;
    const looked = whileLookedAt();
    try {
      await readStream("/api/v1/fleet/stream", {
        lastId,
        signal: AbortSignal.any([signal, looked.signal]),
        onEvent: (event) => {
          tries = 0;
          // Without the whole, changes mean nothing: then the whole is asked for.
          lastId = take(event) ? event.id : "";
        },
      });
      if (!over()) become({ live: false });
    } catch (error) {
      if (over()) return;
      if (looked.signal.aborted) {
        // Let go of, and not lost: whoever looks again has what is new within a moment, and until then what is old is grey.
        become({ live: false });
        asleep();
        tries = 0;
        continue;
      }
      const why = trouble(error);
      become({ live: false, error: why });
      if (why instanceof Refused && why.status === 401) remember(false);
      if (why instanceof Refused && why.status < 500 && why.status !== 429) return;
    } finally {
      looked.over();
    }
    await new Promise((resolve) => setTimeout(resolve, pauseBefore(Math.max(1, tries), Math.random())));
  }
}

function take({ type, data }: StreamEvent): boolean {
  const found = JSON.parse(data) as unknown;
  if (type === "fleet") {
    if (kept.fleet === null) remember(true);
    become({ fleet: found as Fleet, heardAt: Date.now(), live: true, error: null });
  } else if (type === "delta" && kept.fleet !== null) {
    become({ fleet: withDelta(kept.fleet, found as Delta), heardAt: Date.now(), live: true, error: null });
  } else return false;
  return true;
}

/** Whoever signed out is not asked for early: it would be refused. */
export const signedOut = (): void => remember(false);

// A browser may be told to keep nothing: then nothing begins early.
function remembered(): boolean {
  try {
    return localStorage.getItem(KNOWN) !== null;
  } catch {
    return false;
  }
}

function remember(watched: boolean): void {
  try {
    if (watched) localStorage.setItem(KNOWN, "1");
    else localStorage.removeItem(KNOWN);
  } catch {
    // As above.
  }
}
