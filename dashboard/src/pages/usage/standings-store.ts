// All of a list of the controller, kept up to date: quotas and shares are compared with each other, so none may be missing.
// Used by page usage.
import { useQuery } from "@tanstack/react-query";
import { ask } from "../../data/ask";
import { everyPage } from "../../data/every-page";

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
