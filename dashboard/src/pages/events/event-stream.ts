// Follows the events of the controller: the newest first, then each as it happens, and after a break those that were missed.
// Used by useEvents.ts. Knows nothing of React.
import { address } from "../../data/address";
import { ask } from "../../data/ask";
import { pauseBefore } from "../../data/link/link";
import { Refused, type Trouble, trouble } from "../../data/refusal";
import type { Event } from "../../data/shapes";
import { whileLookedAt } from "../../data/stream/looked-at";
import { readStream } from "../../data/stream/read-stream";
import { eventFrom } from "./event";

export interface Wanted {
  readonly types: readonly string[];
  readonly subject: string;
}

export interface Listener {
  /** Oldest first; may be empty. */
  readonly onEvents: (events: readonly Event[]) => void;
  /** null: events come as they happen. */
  readonly onState: (broken: Trouble | null, live: boolean) => void;
}

const PATH = "/api/v1/events";
const NEWEST = 200;
/** Milliseconds: what came within it is shown at once. */
const TOGETHER = 250;

export function queryOf({ types, subject }: Wanted): { type?: string[]; subject?: string } {
  return { ...(types.length === 0 ? {} : { type: [...types] }), ...(subject === "" ? {} : { subject }) };
}

/** Until `signal`: never throws. */
export async function follow(wanted: Wanted, signal: AbortSignal, listener: Listener): Promise<void> {
  let last: number | null = null;
  const over = () => signal.aborted;
  for (let tries = 1; !over(); tries++) {
    const before: number | null = last;
    try {
      last ??= await begin(wanted, signal, listener);
      await listen(wanted, last, signal, listener, (id) => (last = id));
    } catch (error) {
      if (over()) return;
      const broken = trouble(error);
      listener.onState(broken, false);
      // What is refused stays so until something else is asked, or somebody signs in.
      if (broken instanceof Refused && broken.status < 500 && broken.status !== 429) return;
    }
    if (last !== before) tries = 0;
    await pause(pauseBefore(Math.max(1, tries), Math.random()), signal);
  }
}

/** The newest that fit. After which id the stream is to go on: what happens meanwhile is in it. */
async function begin(wanted: Wanted, signal: AbortSignal, listener: Listener): Promise<number> {
  const latest = await ask("get", PATH, { query: { newest: true, limit: 1 } }, { signal });
  const { items } = await ask("get", PATH, { query: { newest: true, limit: NEWEST, ...queryOf(wanted) } }, { signal });
  listener.onEvents(items);
  return Math.max(latest.items[0]?.id ?? 0, items[items.length - 1]?.id ?? 0);
}

async function listen(
  wanted: Wanted,
  last: number,
  signal: AbortSignal,
  listener: Listener,
  reached: (id: number) => void,
): Promise<void> {
  const looked = whileLookedAt();
  let waiting: Event[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tell = () => {
    timer = undefined;
    listener.onEvents(waiting);
    waiting = [];
  };
  listener.onState(null, true);
  try {
    await readStream(address(`${PATH}/stream`, {}, queryOf(wanted)), {
      lastId: String(last),
      signal: AbortSignal.any([signal, looked.signal]),
      onEvent: ({ data }) => {
        const event = eventFrom(parsed(data));
        if (event === null) return;
        waiting.push(event);
        reached(event.id);
        timer ??= setTimeout(tell, TOGETHER);
      },
    });
  } catch (error) {
    if (!looked.signal.aborted) throw error;
  } finally {
    looked.over();
    clearTimeout(timer);
    if (!signal.aborted) {
      if (waiting.length > 0) tell();
      listener.onState(null, false);
    }
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return null;
  }
}

/** Until the time is over and somebody looks. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!signal.aborted && (document.hidden || Date.now() < end)) {
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        document.removeEventListener("visibilitychange", done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, Math.max(50, end - Date.now()));
      document.addEventListener("visibilitychange", done);
      signal.addEventListener("abort", done);
    });
  }
}
