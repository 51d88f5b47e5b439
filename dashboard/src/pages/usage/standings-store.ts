// All of a list of the controller, kept up to date: quotas and shares are compared with each other, so none may be missing;
// and the setting of quotas. Used by the pages of usage, of the queue, of a new job and of the settings.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ask } from "../../data/ask";
import { everyPage } from "../../data/every-page";
import type { Wanted } from "./quota";

const PAGE = 1000;
const SELDOM = 60_000;

export function useStandings() {
  return useQuery({
    queryKey: ["standings"],
    queryFn: async ({ signal }) =>
      (await everyPage((after) => ask("get", "/api/v1/usage", { query: { limit: PAGE, after } }, { signal }))).items,
    refetchInterval: SELDOM,
  });
}

export function useAccounts() {
  return useQuery({
    queryKey: ["accounts"],
    queryFn: async ({ signal }) =>
      (await everyPage((after) => ask("get", "/api/v1/accounts", { query: { limit: PAGE, after } }, { signal }))).items,
    refetchInterval: SELDOM,
  });
}

/** Whose quota; `name` is empty for "default", which is of everybody without one. */
export interface Whose {
  readonly scope: "user" | "group" | "default";
  readonly name: string;
}

export const useSetAccount = () =>
  useChange(({ whose: { scope, name }, wanted: body }: { readonly whose: Whose; readonly wanted: Wanted }) =>
    scope === "default"
      ? ask("put", "/api/v1/accounts/default", { body })
      : ask("put", "/api/v1/accounts/{scope}/{name}", { path: { scope, name }, body }),
  );

export const useRemoveAccount = () =>
  useChange(({ scope, name }: Whose) =>
    scope === "default"
      ? ask("delete", "/api/v1/accounts/default", {})
      : ask("delete", "/api/v1/accounts/{scope}/{name}", { path: { scope, name } }),
  );

/** A change; what it touches is asked for again, whether it was done or refused. */
function useChange<A, T>(act: (what: A) => Promise<T>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ["accounts"] }),
        client.invalidateQueries({ queryKey: ["standings"] }),
      ]),
  });
}
