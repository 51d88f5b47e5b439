// What the pages of alerts ask of the controller, and what they change there. Used by all of them.
// What stands is asked for every five seconds, the rest less often; what somebody changed, at once.
import { useMutation, useQuery, useQueryClient, type UseMutationResult, type UseQueryResult } from "@tanstack/react-query";
import type {
  Alert, AlertPage, Channel, Delivery, History, Matches, Metric, NewSilence, Page, Preview, Routes, Rule, Silence,
  WrittenRule,
} from "../../data/alerting";
import { call, type Asked as Given } from "../../data/ask";
import type { Trouble } from "../../data/refusal";
import type { Method } from "../../data/shapes";

const PAGE = 1000;
export const MOST_ALERTS = 5 * PAGE;
const MANY = 300; // alerts from which on they are asked for less often
const SOON = 5_000;
const LATER = 15_000;
const API = "/api/v1/";

export interface Asked {
  readonly states: readonly string[];
  readonly rule: string;
  readonly node: string;
}

type Body = Omit<WrittenRule, "name">;

/** With types of ours, because all that is read here is for reading alone (see data/alerting.ts). */
async function asking<T>(method: Method, path: string, given: Given = {}): Promise<T> {
  return (await call(method, `${API}${path}`, given)) as T;
}

export function useAlerts(asked: Asked = { states: [], rule: "", node: "" }): UseQueryResult<AlertPage> {
  const query = {
    limit: PAGE,
    state: asked.states,
    rule: asked.rule === "" ? undefined : asked.rule,
    node: asked.node === "" ? undefined : asked.node,
  };
  return useQuery({
    queryKey: ["alerts", query],
    queryFn: ({ signal }) => everyAlert(query, signal),
    refetchInterval: ({ state }) => ((state.data?.items.length ?? 0) > MANY ? LATER : SOON),
    placeholderData: (before) => before,
  });
}

/** Page after page, so that none is missing; up to a bound. */
async function everyAlert(query: NonNullable<Given["query"]>, signal: AbortSignal): Promise<AlertPage> {
  const first = await asking<AlertPage>("get", "alerts", { query, signal });
  let [items, next] = [first.items, first.next];
  while (next !== null && items.length < MOST_ALERTS) {
    const more = await asking<AlertPage>("get", "alerts", { query: { ...query, after: next }, signal });
    [items, next] = [[...items, ...more.items], more.next];
  }
  return { ...first, items, next };
}

export function useAlert(id: string): UseQueryResult<Alert> {
  return useQuery({
    queryKey: ["alerts", "one", id],
    queryFn: ({ signal }) => asking<Alert>("get", "alerts/{id}", { path: { id }, signal }),
    refetchInterval: SOON,
  });
}

export function useRules(): UseQueryResult<Page<Rule>> {
  return useList<Rule>("alert-rules");
}

export function useSilences(): UseQueryResult<Page<Silence>> {
  return useList<Silence>("silences");
}

export function useChannels(): UseQueryResult<Page<Channel>> {
  return useList<Channel>("channels");
}

export function useRoutes(): UseQueryResult<Routes> {
  return useQuery({
    queryKey: ["alert-routes"],
    queryFn: ({ signal }) => asking<Routes>("get", "alert-routes", { signal }),
    refetchInterval: LATER,
  });
}

export function useDeliveries(state: string, channel: string): UseQueryResult<Page<Delivery>> {
  const query = {
    limit: 1000,
    state: state === "" ? undefined : state,
    channel: channel === "" ? undefined : channel,
  };
  return useQuery({
    queryKey: ["deliveries", query],
    queryFn: ({ signal }) => asking<Page<Delivery>>("get", "deliveries", { query, signal }),
    refetchInterval: SOON,
    placeholderData: (before) => before,
  });
}

/** Metrics that there is something of, for the fields that ask for one. */
export function useMetrics(): UseQueryResult<Page<Metric>> {
  return useQuery({
    queryKey: ["history", "metrics"],
    queryFn: ({ signal }) => asking<Page<Metric>>("get", "history/metrics", { query: { limit: 1000 }, signal }),
    staleTime: 300_000,
  });
}

/** The past of the series with these labels. `metric` null: of none. */
export function usePast(
  metric: string | null,
  labels: Readonly<Record<string, string>>,
  since: string,
): UseQueryResult<History> {
  const query = { metric, since, match: Object.entries(labels).map(([label, value]) => `${label}=${value}`) };
  return useHistory(query, metric !== null);
}

/** The greatest or least of each node's. `metric` null: of none. */
export function useExtremes(
  metric: string | null,
  matches: Matches,
  how: "max" | "min",
  since: string,
): UseQueryResult<History> {
  const match = Object.entries(matches).flatMap(([label, values]) => values.map((value) => `${label}=${value}`));
  return useHistory({ metric, since, match, how, by: "node" }, metric !== null);
}

function useHistory(query: NonNullable<Given["query"]>, when: boolean): UseQueryResult<History> {
  return useQuery({
    queryKey: ["history", query],
    queryFn: ({ signal }) => asking<History>("get", "history/query", { query, signal }),
    enabled: when,
    refetchInterval: LATER,
    // Another stretch of time stands in until it is there; another series never does.
    placeholderData: (before, last) => (about(last?.queryKey[1]) === about(query) ? before : undefined),
  });
}

function about(query: unknown): string {
  return JSON.stringify({ ...(query as NonNullable<Given["query"]> | undefined), since: "" });
}

/** `rule` null: there is nothing to try yet. The answer before stays while the next one is worked out. */
export function usePreview(rule: Body | null, since: string): UseQueryResult<Preview> {
  return useQuery({
    queryKey: ["alert-rules", "preview", since, rule],
    queryFn: ({ signal }) => asking<Preview>("post", "alert-rules/preview", { body: { rule, since }, signal }),
    enabled: rule !== null,
    staleTime: 60_000,
    retry: false,
    placeholderData: (before) => before,
  });
}

export const change = {
  ack: (id: string, why: string) => asking<Alert>("post", "alerts/{id}/ack", { path: { id }, body: { why } }),
  unack: (id: string) => asking<Alert>("delete", "alerts/{id}/ack", { path: { id } }),
  putRule: (name: string, body: Body) => asking<Rule>("put", "alert-rules/{name}", { path: { name }, body }),
  removeRule: (name: string) => asking<undefined>("delete", "alert-rules/{name}", { path: { name } }),
  addSilence: (body: NewSilence) => asking<Silence>("post", "silences", { body }),
  endSilence: (id: string) => asking<undefined>("delete", "silences/{id}", { path: { id } }),
  putChannel: (name: string, body: object) => asking<Channel>("put", "channels/{name}", { path: { name }, body }),
  removeChannel: (name: string) => asking<undefined>("delete", "channels/{name}", { path: { name } }),
  testChannel: (name: string) => asking<unknown>("post", "channels/{name}/test", { path: { name } }),
  putRoutes: (body: Pick<Routes, "routes" | "inhibitions">) => asking<Routes>("put", "alert-routes", { body }),
} as const;

/** A change, after which what begins with `stale` is asked for anew. */
export function useChange<Given, Answer>(
  act: (given: Given) => Promise<Answer>,
  ...stale: readonly string[]
): UseMutationResult<Answer, Trouble, Given> {
  const client = useQueryClient();
  return useMutation<Answer, Trouble, Given>({
    mutationFn: act,
    gcTime: 0, // what was given may be a secret
    onSettled: async () => {
      await Promise.all(stale.map((key) => client.invalidateQueries({ queryKey: [key] })));
    },
  });
}

function useList<T>(path: string): UseQueryResult<Page<T>> {
  return useQuery({
    queryKey: [path, "list"],
    queryFn: ({ signal }) => asking<Page<T>>("get", path, { query: { limit: 1000 }, signal }),
    refetchInterval: LATER,
  });
}
