// What the settings page asks of the controller, and changes there. Used by its tabs.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ask } from "../../data/ask";
import { everyPage } from "../../data/every-page";
import type { NewToken, NewUser, UserChange } from "../../data/person";

const PAGE = 1000;
const USERS = ["users"];
const TOKENS = ["tokens"];

export function useUsers(when = true) {
  return useQuery({
    queryKey: USERS,
    queryFn: async ({ signal }) =>
      (await everyPage((after) => ask("get", "/api/v1/users", { query: { limit: PAGE, after } }, { signal }))).items,
    refetchInterval: 30_000,
    enabled: when,
  });
}

/** Those of whoever asks; of everybody, for an admin who wants that. */
export function useTokens(everybody: boolean) {
  return useQuery({
    queryKey: [...TOKENS, everybody],
    queryFn: async ({ signal }) => {
      const whose = everybody ? {} : { owner: "me" };
      const found = await everyPage((after) =>
        ask("get", "/api/v1/tokens", { query: { limit: PAGE, after, ...whose } }, { signal }),
      );
      return found.items;
    },
    refetchInterval: 30_000,
  });
}

/** A change; what it touched is asked for again, whether it was done or refused. */
function useChange<A, T>(touched: readonly string[], act: (what: A) => Promise<T>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSettled: () => client.invalidateQueries({ queryKey: touched }),
  });
}

export const useMakeToken = () => useChange(TOKENS, (body: NewToken) => ask("post", "/api/v1/tokens", { body }));

export const useRevokeToken = () =>
  useChange(TOKENS, (id: string) => ask("delete", "/api/v1/tokens/{id}", { path: { id } }));

export const useAddUser = () => useChange(USERS, (body: NewUser) => ask("post", "/api/v1/users", { body }));

export const useChangeUser = () =>
  useChange(USERS, ({ name, body }: { name: string; body: UserChange }) =>
    ask("patch", "/api/v1/users/{name}", { path: { name }, body }),
  );

export const useRemoveUser = () =>
  useChange(USERS, (name: string) => ask("delete", "/api/v1/users/{name}", { path: { name } }));
