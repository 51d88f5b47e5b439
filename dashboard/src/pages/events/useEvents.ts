// The events that fit what is asked for, kept up to date. Used by page events.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { ask } from "../../data/ask";
import { currentLink } from "../../data/link/link-store";
import { trouble, type Trouble } from "../../data/refusal";
import type { Event } from "../../data/shapes";
import { follow, queryOf, type Wanted } from "./event-stream";
import { before, merged, newest } from "./kept";

export interface Events {
  /** Oldest first; undefined: not there yet. */
  readonly events: readonly Event[] | undefined;
  readonly live: boolean;
  readonly error: Trouble | null;
  /** Up to when nothing is missing, epoch milliseconds; while `live`: now. */
  readonly heardAt: number | null;
  readonly older: () => void;
  readonly lookingBack: boolean;
  /** Whether there is nothing before the oldest. */
  readonly whole: boolean;
}

interface State {
  readonly events: readonly Event[] | undefined;
  readonly live: boolean;
  readonly error: Trouble | null;
  readonly heardAt: number | null;
  readonly lookingBack: boolean;
  readonly whole: boolean;
}

const START: State = { events: undefined, live: false, error: null, heardAt: null, lookingBack: false, whole: false };

/** Silence is noticed late: then it is when there was last a sound. */
function lastHeard(): number {
  const link = currentLink();
  return link.kind === "lost" ? link.since : Date.now();
}

export function useEvents(types: readonly string[], subject: string): Events {
  const key = JSON.stringify([types, subject]);
  const wanted = useMemo((): Wanted => {
    const [these, one] = JSON.parse(key) as [string[], string];
    return { types: these, subject: one };
  }, [key]);
  const [state, setState] = useState<{ of: string; is: State }>({ of: key, is: START });
  const is = state.of === key ? state.is : START;

  const change = useCallback(
    (with_: (is: State) => Partial<State>) =>
      setState((found) => {
        const now = found.of === key ? found.is : START;
        return { of: key, is: { ...now, ...with_(now) } };
      }),
    [key],
  );

  useEffect(() => {
    const end = new AbortController();
    void follow(wanted, end.signal, {
      onEvents: (more) => change(({ events = [] }) => ({ events: newest(merged(events, more)), heardAt: Date.now() })),
      onState: (error, live) =>
        change(({ heardAt }) =>
          error === null ? { live, heardAt: lastHeard(), ...(live ? { error } : {}) } : { live, error, heardAt },
        ),
    });
    return () => end.abort();
  }, [wanted, change]);

  const first = is.events?.[0]?.id;
  const busy = useRef(false);
  const older = useCallback(() => {
    if (first === undefined || busy.current) return;
    busy.current = true;
    change(() => ({ lookingBack: true }));
    before(first, async (after, limit) => {
      const { items, next } = await ask("get", "/api/v1/events", { query: { after, limit, ...queryOf(wanted) } });
      return { items, next };
    })
      .then((found) =>
        // More than are kept otherwise: they were asked for.
        change(({ events = [] }) => ({ events: merged(events, found), whole: found.length === 0, lookingBack: false })),
      )
      .catch((error: unknown) => change(() => ({ error: trouble(error), lookingBack: false })))
      .finally(() => (busy.current = false));
  }, [first, wanted, change]);

  return { ...is, older };
}
