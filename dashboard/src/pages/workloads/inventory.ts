// The inventory as it is looked through: which workloads a filter leaves, and in which order. Pure; used by the
// page of workloads.

import type { Workload } from "../../data/workload";

export interface Filter {
  /** Words, each of which is found in something of the workload. */
  readonly text: string;
  readonly node: string;
  readonly owner: string;
  readonly origin: string;
  readonly state: string;
  /** Only what has GPUs and was not queued. */
  readonly strays: boolean;
}

export const UNKNOWN_OWNER = "(unknown)";

export function ownerOf(workload: Workload): string {
  return workload.user ?? UNKNOWN_OWNER;
}

/** Whether it has GPUs though nobody queued it. Where that is not known, it is none. */
export function isStray(workload: Workload): boolean {
  return (
    workload.managed === false &&
    ["running", "idle", "paused"].includes(workload.state) &&
    (workload.gpus?.length ?? 0) > 0
  );
}

export function filtered(workloads: readonly Workload[], filter: Filter): readonly Workload[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return workloads.filter(
    (one) =>
      (filter.node === "" || one.node === filter.node) &&
      (filter.owner === "" || ownerOf(one) === filter.owner) &&
      (filter.origin === "" || one.origin === filter.origin) &&
      (filter.state === "" || one.state === filter.state) &&
      (!filter.strays || isStray(one)) &&
      words.every((word) => haystackOf(one).includes(word)),
  );
}

function haystackOf(one: Workload): string {
  return [one.name, one.id, one.node, ownerOf(one), one.origin, one.image, one.command, one.pod, one.slurm_job]
    .filter((part) => part !== null)
    .join("\n")
    .toLowerCase();
}

/** The values that a field takes, sorted, with how often: choices of a filter. */
export function choicesOf(
  workloads: readonly Workload[],
  field: (one: Workload) => string,
): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const one of workloads) counts.set(field(one), (counts.get(field(one)) ?? 0) + 1);
  return [...counts].sort((a, b) => a[0].localeCompare(b[0], "en", { numeric: true }));
}

/** "0–3, 6"; null: unknown which. */
export function indicesText(indices: readonly number[] | null): string | null {
  if (indices === null) return null;
  const sorted = [...new Set(indices)].sort((a, b) => a - b);
  const runs: [number, number][] = [];
  for (const index of sorted) {
    const run = runs.at(-1);
    if (run !== undefined && index === run[1] + 1) run[1] = index;
    else runs.push([index, index]);
  }
  return runs
    .map(([from, to]) => (from === to ? `${from}` : to === from + 1 ? `${from}, ${to}` : `${from}–${to}`))
    .join(", ");
}

/** What was last heard of a node that is silent is old: how its workloads stand is unknown. `silent`: names. */
export function asKnown(workloads: readonly Workload[], silent: ReadonlySet<string>): readonly Workload[] {
  if (silent.size === 0) return workloads;
  return workloads.map((one) =>
    silent.has(one.node) ? { ...one, state: "unknown", gpu_utilization_percent: null, gpu_memory_bytes: null } : one,
  );
}
