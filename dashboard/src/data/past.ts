// A metric of the past, as charts want it. Used by the pages of nodes and GPUs.
import { useQuery } from "@tanstack/react-query";
import type { components } from "./api.gen";
import { ask } from "./ask";

export type PastSeries = components["schemas"]["SeriesShape"];

export interface PastAsked {
  readonly metric: string;
  readonly node: string;
  /** A UUID; null: all of the node's. */
  readonly gpu: string | null;
  /** Epoch seconds. */
  readonly start: number;
  readonly end: number;
  readonly step: number;
  /** Whether `end` is now and moves: then it is asked again. */
  readonly moving: boolean;
}

/** While a moving range moves, the last answer stays on the screen. */
export function usePast(asked: PastAsked, enabled = true) {
  // A moving range is asked for once a step, not with every drawing.
  const beat = Math.max(asked.step, 10);
  const end = asked.moving ? Math.ceil(asked.end / beat) * beat : asked.end;
  const start = asked.moving ? end - (asked.end - asked.start) : asked.start;
  const key = ["past", asked.metric, asked.node, asked.gpu, Math.round(start), Math.round(end), asked.step] as const;
  return useQuery({
    queryKey: key,
    queryFn: ({ signal }) =>
      ask(
        "get",
        "/api/v1/history/query",
        {
          query: {
            metric: asked.metric,
            node: asked.node,
            gpu: asked.gpu,
            since: new Date(start * 1000).toISOString(),
            until: new Date(end * 1000).toISOString(),
            step: `${asked.step}s`,
          },
        },
        { signal },
      ),
    // What another GPU did, or another metric, never stands in for this one.
    placeholderData: (before, query) => (about(query?.queryKey) === about(key) ? before : undefined),
    staleTime: beat * 1000,
    enabled,
  });
}

function about(key: readonly unknown[] | undefined): string {
  return JSON.stringify(key?.slice(0, 4));
}
