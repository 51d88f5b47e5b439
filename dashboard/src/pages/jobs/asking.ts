// What the pages of jobs and of the queue ask the controller, and how often. What has ended is asked for seldom.
import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ask, call } from "../../data/ask";
import { ended, isArray, type JobBody, type JobState } from "../../data/job";
import type { Event } from "../../data/shapes";

const SOON = 3_000;
const NOW_AND_THEN = 10_000;
const SELDOM = 60_000;
const AT_ONCE = 4; // changes that are under way together

export interface JobFilter {
  readonly state: readonly JobState[];
  readonly owner?: string | null;
  readonly node?: string | null;
  readonly name?: string | null;
  readonly array?: string | null;
}

/** Newest first, a page at a time. */
export function useJobs(filter: JobFilter, limit = 100) {
  return useInfiniteQuery({
    queryKey: ["jobs", filter, limit],
    queryFn: ({ pageParam, signal }) =>
      ask("get", "/api/v1/jobs", { query: { ...filter, state: [...filter.state], limit, after: pageParam } }, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    refetchInterval: NOW_AND_THEN,
    placeholderData: keepPreviousData,
  });
}

/** All in these states, as far as one answer goes. */
export function useJobsIn(state: readonly JobState[]) {
  return useQuery({
    queryKey: ["jobs", "in", state],
    queryFn: ({ signal }) => ask("get", "/api/v1/jobs", { query: { state: [...state], limit: 1000 } }, { signal }),
    refetchInterval: 5_000,
  });
}

export function useJob(id: string) {
  return useQuery({
    queryKey: ["job", id],
    queryFn: ({ signal }) => ask("get", "/api/v1/jobs/{id}", { path: { id } }, { signal }),
    refetchInterval: ({ state: { data } }) =>
      data === undefined || isArray(data) || !ended(data.state) ? SOON : SELDOM,
  });
}

/** Why it waits. Worked out anew each time: not asked for more often than anybody reads it. */
export function useWhy(id: string, enabled: boolean) {
  return useQuery({
    queryKey: ["job", id, "why"],
    queryFn: ({ signal }) => ask("get", "/api/v1/jobs/{id}/why", { path: { id } }, { signal }),
    refetchInterval: NOW_AND_THEN,
    enabled,
  });
}

export interface Told {
  readonly events: readonly Event[];
  /** There are more than are told: the story is without its end. */
  readonly more: boolean;
}

const MOST_EVENTS = 1000;

/** `at`: what the job is now. With each move of it there is more to tell. */
export function useJobEvents(id: string, at: string, live: boolean) {
  return useQuery({
    queryKey: ["job", id, "events", at],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<Told> => {
      const found = await ask(
        "get",
        "/api/v1/jobs/{id}/events",
        { path: { id }, query: { limit: MOST_EVENTS } },
        { signal },
      );
      return { events: found.items, more: found.next !== null };
    },
    refetchInterval: live ? SOON : SELDOM,
  });
}

/** Its owner alone is answered. */
export function useEnvironment(id: string, enabled: boolean) {
  return useQuery({
    queryKey: ["job", id, "environment"],
    queryFn: ({ signal }) => ask("get", "/api/v1/jobs/{id}/environment", { path: { id } }, { signal }),
    enabled,
    staleTime: Infinity,
    gcTime: 0,
  });
}

/** What would become of it; nothing is kept. `body` null: not asked. */
export function usePreview(body: JobBody | null) {
  return useQuery({
    queryKey: ["preview", body],
    queryFn: ({ signal }) => {
      if (body === null) throw new Error("asked without a body");
      return ask("post", "/api/v1/jobs/preview", { body }, { signal });
    },
    enabled: body !== null,
    placeholderData: keepPreviousData,
    refetchInterval: NOW_AND_THEN,
    gcTime: 10_000,
  });
}

/** `key`: the same for the same submission, so that one that was cut off can be sent again and is there once. */
export function useSubmit() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ body, key }: { readonly body: JobBody; readonly key: string }) =>
      ask("post", "/api/v1/jobs", { body }, { headers: { "Idempotency-Key": key } }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["jobs"] }),
  });
}

export function useCancel(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (why: string) =>
      call("post", "/api/v1/jobs/{id}/cancel", { path: { id }, body: why === "" ? {} : { why } }),
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ["job", id] }),
        client.invalidateQueries({ queryKey: ["jobs"] }),
      ]),
  });
}

export function useRetry(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => ask("post", "/api/v1/jobs/{id}/retry", { path: { id } }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["jobs"] }),
  });
}

export interface NotCanceled {
  readonly id: string;
  readonly error: unknown;
}

/** Few at a time, each for itself: that one is refused keeps no other from its end. Those that were refused. */
export function useCancelMany() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ ids, why }: { readonly ids: readonly string[]; readonly why: string }): Promise<NotCanceled[]> => {
      const refused: NotCanceled[] = [];
      for (let from = 0; from < ids.length; from += AT_ONCE) {
        await Promise.all(
          ids.slice(from, from + AT_ONCE).map(async (id) => {
            try {
              await call("post", "/api/v1/jobs/{id}/cancel", { path: { id }, body: why === "" ? {} : { why } });
            } catch (error) {
              refused.push({ id, error });
            }
          }),
        );
      }
      return refused;
    },
    onSettled: () =>
      Promise.all([client.invalidateQueries({ queryKey: ["job"] }), client.invalidateQueries({ queryKey: ["jobs"] })]),
  });
}
