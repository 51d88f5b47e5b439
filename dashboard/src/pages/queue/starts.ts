// When the first ones in line are thought to start. Used by QueuePage.
//
// Each is worked out by the controller when it is asked: that is for those one looks at, and not every second.
import { useQueries } from "@tanstack/react-query";
import { ask } from "../../data/ask";
import type { Why } from "../../data/shapes";

const EVERY = 30_000;

export interface Start {
  /** null: it cannot be told, and `basis` says why. */
  readonly at: string | null;
  readonly basis: string;
}

/** By id; those that have not been told yet are not in it. */
export function useStarts(ids: readonly string[]): ReadonlyMap<string, Start> {
  return useQueries({
    queries: ids.map((id) => ({
      queryKey: ["job", id, "why"],
      queryFn: ({ signal }: { readonly signal: AbortSignal }) =>
        ask("get", "/api/v1/jobs/{id}/why", { path: { id } }, { signal }),
      staleTime: EVERY,
      refetchInterval: EVERY,
    })),
    combine: (found) => told(found.map((one) => one.data)),
  });
}

function told(whys: readonly (Why | undefined)[]): ReadonlyMap<string, Start> {
  const found = new Map<string, Start>();
  for (const why of whys) {
    if (why?.state === "QUEUED") found.set(why.id, { at: why.estimated_start, basis: why.basis });
  }
  return found;
}
