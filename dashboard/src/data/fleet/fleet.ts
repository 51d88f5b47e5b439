// The whole fleet as the controller tells it, and what a change makes of it. Pure; kept by fleet-store.ts.
import type { components } from "../api.gen";

type Schemas = components["schemas"];

export type Fleet = Schemas["FleetShape"];
export type FleetNode = Schemas["FleetNodeShape"];
/** A list a column, each with a value for each GPU. */
export type FleetGpus = Schemas["FleetGpusShape"];
export type GpuState = FleetGpus["state"][number];
export type Severity = Schemas["FleetNodeShape"]["health"];

type Changed = readonly (readonly [number, Readonly<Record<string, unknown>>])[];

export interface Delta {
  readonly at: number;
  readonly revision: number;
  readonly nodes: Changed;
  readonly gpus: Changed;
}

/** What did not change stays the same object: whoever looks at one column is not disturbed by another. */
export function withDelta(fleet: Fleet, delta: Delta): Fleet {
  return {
    at: delta.at,
    revision: delta.revision,
    nodes: delta.nodes.length === 0 ? fleet.nodes : nodesWith(fleet.nodes, delta.nodes),
    gpus: delta.gpus.length === 0 ? fleet.gpus : gpusWith(fleet.gpus, delta.gpus),
  };
}

function nodesWith(nodes: Fleet["nodes"], changed: Changed): Fleet["nodes"] {
  const next = [...nodes];
  for (const [row, values] of changed) {
    const node = next[row];
    if (node !== undefined) next[row] = { ...node, ...values };
  }
  return next;
}

function gpusWith(gpus: FleetGpus, changed: Changed): FleetGpus {
  const next: Record<string, unknown[]> = { ...gpus };
  const own = new Set<string>();
  for (const [row, values] of changed) {
    for (const [column, value] of Object.entries(values)) {
      const found = next[column];
      if (found === undefined || row < 0 || row >= found.length) continue;
      const mine = own.has(column) ? found : [...found];
      own.add(column);
      mine[row] = value;
      next[column] = mine;
    }
  }
  return next as unknown as FleetGpus;
}

export interface Counts {
  readonly nodes: number;
  /** Nodes that are not up. */
  readonly away: number;
  readonly gpus: number;
  readonly states: Readonly<Record<GpuState, number>>;
  /** Mean of what is known; null: nothing is. */
  readonly util: number | null;
  readonly ill: number;
}

/** For the line above every page. */
export function countsOf(fleet: Fleet): Counts {
  const states: Record<GpuState, number> = { free: 0, leased: 0, blocked: 0, unknown: 0 };
  fleet.gpus.state.forEach((state, row) => {
    // No job gets a GPU of a machine that is closed for new ones.
    const closed = state === "free" && fleet.nodes[fleet.gpus.node[row] ?? -1]?.drained != null;
    states[closed ? "blocked" : state] += 1;
  });
  const known = fleet.gpus.util.filter((value) => value !== null);
  return {
    nodes: fleet.nodes.length,
    away: fleet.nodes.filter((node) => node.state !== "up").length,
    gpus: fleet.gpus.uuid.length,
    states,
    util: known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length,
    ill: fleet.gpus.health.filter((health) => health === "critical" || health === "warning").length,
  };
}
