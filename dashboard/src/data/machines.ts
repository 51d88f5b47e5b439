// Nodes, their jobs, workloads and alerts, as the controller has them now. Used by the pages of nodes, GPUs, workloads
// and of a workstation. What is polled is polled every few seconds, while the page is looked at.
import { useQuery } from "@tanstack/react-query";
import { ask } from "./ask";
import { everyPage } from "./every-page";
import { useLink } from "./link/link-store";
import type { Arbiter, Node } from "./node";
import { Refused } from "./refusal";
import type { Workload } from "./workload";

const OFTEN = 5_000;
const SELDOM = 15_000;
const PAGE = 1000;

export function useNodes() {
  return useQuery({
    queryKey: ["nodes"],
    queryFn: ({ signal }) =>
      everyPage<Node>(async (after) => {
        const found = await ask("get", "/api/v1/nodes", { query: { limit: PAGE, after } }, { signal });
        return found as unknown as { items: Node[]; next: string | null };
      }),
    refetchInterval: OFTEN,
  });
}

export function useNode(name: string) {
  return useQuery({
    queryKey: ["nodes", name],
    queryFn: async ({ signal }) =>
      (await ask("get", "/api/v1/nodes/{name}", { path: { name } }, { signal })) as unknown as Node,
    refetchInterval: OFTEN,
  });
}

/** Null: the controller knows of no arbiter there. */
export function useArbiter(name: string) {
  return useQuery({
    queryKey: ["nodes", name, "arbiter"],
    queryFn: async ({ signal }): Promise<Arbiter | null> => {
      try {
        return await ask("get", "/api/v1/nodes/{name}/arbiter", { path: { name } }, { signal });
      } catch (error) {
        if (error instanceof Refused && error.status === 404) return null;
        throw error;
      }
    },
    refetchInterval: OFTEN,
  });
}

/** Where each GPU is, by UUID: the fleet's list, which changes seldom. */
export function useGpus() {
  return useQuery({
    queryKey: ["gpus"],
    queryFn: ({ signal }) =>
      everyPage((after) => ask("get", "/api/v1/gpus", { query: { limit: PAGE, after } }, { signal })),
    refetchInterval: SELDOM,
  });
}

export function useLeases() {
  return useQuery({
    queryKey: ["leases"],
    queryFn: ({ signal }) =>
      everyPage((after) => ask("get", "/api/v1/leases", { query: { limit: PAGE, after } }, { signal })),
    refetchInterval: OFTEN,
  });
}

/** Of one node, or of all; in one state, or in any. */
export function useWorkloads(node: string | null = null, state: Workload["state"] | null = null) {
  return useQuery({
    queryKey: ["workloads", node, state],
    queryFn: ({ signal }) =>
      everyPage<Workload>(async (after) => {
        const found = await ask("get", "/api/v1/workloads", { query: { node, state, limit: PAGE, after } }, { signal });
        return found as unknown as { items: Workload[]; next: string | null };
      }),
    refetchInterval: SELDOM,
  });
}

/** The newest jobs of a node, those that ended included. */
export function useJobsOf(node: string) {
  return useQuery({
    queryKey: ["jobs", "of-node", node],
    queryFn: ({ signal }) => ask("get", "/api/v1/jobs", { query: { node, limit: 200 } }, { signal }),
    refetchInterval: OFTEN,
  });
}

/** What stands against a node. */
export function useAlertsOf(node: string) {
  return useQuery({
    queryKey: ["alerts", "of-node", node],
    queryFn: ({ signal }) => ask("get", "/api/v1/alerts", { query: { node, limit: 200 } }, { signal }),
    refetchInterval: SELDOM,
  });
}

/** What happened lately of these types: the newest `limit`, oldest first. */
export function useEvents(types: readonly string[], subject: string | null, limit: number, enabled = true) {
  return useQuery({
    queryKey: ["events", "of-types", types, subject, limit],
    queryFn: ({ signal }) =>
      ask("get", "/api/v1/events", { query: { type: [...types], subject, limit, newest: true } }, { signal }),
    refetchInterval: SELDOM,
    enabled,
  });
}

/** Jobs that wait, or were stopped to make room; and those that hold GPUs. Newest first. */
export function useLiveJobs() {
  return useQuery({
    queryKey: ["jobs", "live"],
    queryFn: ({ signal }) =>
      ask(
        "get",
        "/api/v1/jobs",
        { query: { state: ["QUEUED", "ALLOCATED", "STARTING", "RUNNING", "LOST"], limit: 500 } },
        { signal },
      ),
    refetchInterval: OFTEN,
  });
}

/** When an answer was had, and whether it is old: for the frame of a page. */
export function useAge(found: { readonly dataUpdatedAt: number; readonly error: unknown }): {
  readonly fetchedAt: number | null;
  readonly stale: boolean;
} {
  const link = useLink();
  const fetchedAt = found.dataUpdatedAt === 0 ? null : found.dataUpdatedAt;
  return { fetchedAt, stale: fetchedAt !== null && (found.error !== null || link.kind === "lost") };
}
