// How TanStack Query behaves here. Used by main.tsx; Refusal.tsx asks what kind of call an error is of.
import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { passing, Refused, type Trouble } from "./refusal";

declare module "@tanstack/react-query" {
  interface Register {
    defaultError: Trouble;
  }
}

const changes = new WeakSet<object>();

/** Whether this was thrown by what changes something: then nothing is tried again by itself, and it may have been done. */
export function ofChange(error: unknown): boolean {
  return typeof error === "object" && error !== null && changes.has(error);
}

/** No storms: what is younger than 5 s is not asked again because a tab or a component came back, and what the controller
 *  refused is not asked again by itself. */
export function makeClient(): QueryClient {
  // A session that ended shows in any refusal: who is signed in is asked then, and the form to sign in shown.
  const onError = (error: Trouble) => {
    if (error instanceof Refused && error.status === 401) void client.invalidateQueries({ queryKey: ["whoami"] });
  };
  const client = new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({
      onError: (error) => {
        changes.add(error);
        onError(error);
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        gcTime: 5 * 60_000,
        retry: (tries, error) => passing(error) && tries < 2,
        retryDelay: (tries) => 1000 * 2 ** tries,
        refetchOnReconnect: true,
        refetchIntervalInBackground: false,
        // The link state says whether the controller answers; the browser's own idea of "online" does not.
        networkMode: "always",
      },
      mutations: { retry: false, networkMode: "always" },
    },
  });
  return client;
}
