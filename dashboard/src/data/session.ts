// Signing in and out. The session is in a cookie that no script can read. Used by the login page and the shell.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ask, call } from "./ask";
import { takeCode, watchAddress } from "./login-code";
import { signedOut } from "./fleet/fleet-store";
import { meOf, type Me } from "./me";
import { Refused, trouble } from "./refusal";

export const WHOAMI = ["whoami"] as const;

// Before anything is drawn, whoever is signed in.
if (typeof window !== "undefined") watchAddress(window);

/** null: nobody is signed in. undefined: not known yet. */
export function useWhoami(): { me: Me | null | undefined; error: ReturnType<typeof trouble> | null; again: () => void } {
  const found = useQuery({
    queryKey: WHOAMI,
    queryFn: async ({ signal }) => {
      try {
        const me = meOf(await ask("get", "/api/v1/whoami", {}, { signal }));
        takeCode(); // whoever is signed in stays so: an address that somebody sends them makes nobody else of them
        return me;
      } catch (error) {
        if (error instanceof Refused && error.status === 401) return null;
        throw error;
      }
    },
    staleTime: 60_000,
    refetchInterval: 5 * 60_000,
    structuralSharing: false,
  });
  return {
    me: found.data,
    error: found.error === null ? null : trouble(found.error),
    again: () => void found.refetch(),
  };
}

export type Credentials =
  | { readonly user: string; readonly password: string }
  | { readonly token: string }
  | { readonly code: string };

export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (given: Credentials) => call("post", "/api/v1/session", { body: given }),
    onSuccess: () => client.resetQueries(),
  });
}

/** What was shown is forgotten: the next one at this screen may be somebody else. */
export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => call("delete", "/api/v1/session"),
    onSuccess: () => {
      signedOut();
      client.clear();
      window.location.assign("/");
    },
  });
}
