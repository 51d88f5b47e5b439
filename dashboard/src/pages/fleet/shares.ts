// Who has how many GPUs and how busy they are, and how many of each model are free. Pure; drawn by Owners.tsx and
// FreeByModel.tsx.
import { compare } from "../../components/table/columns";
import type { Fleet, FleetGpus } from "../../data/fleet/fleet";

export interface Share {
  readonly owner: string;
  readonly gpus: number;
  /** Per cent, the mean of those that are known; null: none is. */
  readonly busy: number | null;
}

/** Those who have GPUs, the most first. What nobody has, or nobody knows who has, is in none. */
export function sharesOf(gpus: Pick<FleetGpus, "owner" | "util">): readonly Share[] {
  const found = new Map<string, { gpus: number; sum: number; known: number }>();
  for (let row = 0; row < gpus.owner.length; row += 1) {
    const owner = gpus.owner[row];
    if (owner === null || owner === undefined) continue;
    const one = found.get(owner) ?? { gpus: 0, sum: 0, known: 0 };
    const util = gpus.util[row] ?? null;
    one.gpus += 1;
    if (util !== null) {
      one.sum += util;
      one.known += 1;
    }
    found.set(owner, one);
  }
  return [...found]
    .map(([owner, one]): Share => ({ owner, gpus: one.gpus, busy: one.known === 0 ? null : one.sum / one.known }))
    .sort((a, b) => b.gpus - a.gpus || compare(a.owner, b.owner));
}

export interface FreeModel {
  /** Null: unknown. */
  readonly model: string | null;
  readonly free: number;
  readonly all: number;
  /** Of those, GPUs of which it is not known whether they are free. */
  readonly unknown: number;
  /** The most that are free on one node: what a job of one node can get at most. */
  readonly together: number;
}

/** Each model, the one with the most free first. */
export function freeByModel({ nodes, gpus }: Pick<Fleet, "nodes"> & { readonly gpus: Pick<FleetGpus, "model" | "state" | "node"> }): readonly FreeModel[] {
  const found = new Map<string | null, { all: number; free: number; unknown: number; on: Map<number, number> }>();
  for (let row = 0; row < gpus.model.length; row += 1) {
    const model = gpus.model[row] ?? null;
    const one = found.get(model) ?? { all: 0, free: 0, unknown: 0, on: new Map<number, number>() };
    found.set(model, one);
    one.all += 1;
    const state = gpus.state[row];
    if (state === "unknown") one.unknown += 1;
    const node = gpus.node[row] ?? -1;
    // On a drained node it is free, and yet nobody gets it.
    if (state !== "free" || nodes[node]?.drained != null) continue;
    one.free += 1;
    one.on.set(node, (one.on.get(node) ?? 0) + 1);
  }
  return [...found]
    .map(([model, { all, free, unknown, on }]): FreeModel => ({ model, all, free, unknown, together: Math.max(0, ...on.values()) }))
    .sort((a, b) => b.free - a.free || b.all - a.all || compare(a.model ?? "~", b.model ?? "~"));
}
