// What the controller thinks of the first ones in line: when they start, and who holds what they need. Used by QueuePage.
//
// Each is worked out by the controller when it is asked: that is for those one looks at, and not every second.
import { useQueries } from "@tanstack/react-query";
import { ask } from "../../data/ask";
import type { Why } from "../../data/shapes";

const EVERY = 30_000;

/** By id; those that have not been told yet are not in it. */
export type Starts = ReadonlyMap<string, Why>;

export function useStarts(ids: readonly string[]): Starts {
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

function told(whys: readonly (Why | undefined)[]): Starts {
  const found = new Map<string, Why>();
  for (const why of whys) if (why?.state === "QUEUED") found.set(why.id, why);
  return found;
}
