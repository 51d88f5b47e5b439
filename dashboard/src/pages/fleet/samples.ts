// A fleet of three GPUs for tests: one is ana's, one is free, and one is of a node that fell silent.
import type { Fleet } from "../../data/fleet/fleet";

export function aFleetNode(name: string, more: Partial<Fleet["nodes"][number]> = {}): Fleet["nodes"][number] {
  return { id: name, name, state: "up", drained: null, gpus: 2, models: [], health: null, seen_at: null, ...more };
}

export const FLEET: Fleet = {
  at: 1,
  revision: 1,
  nodes: [aFleetNode("a"), aFleetNode("b", { state: "silent", seen_at: 5 })],
  gpus: {
    uuid: ["u1", "u2", "u3"],
    node: [0, 0, 1],
    index: [0, 1, 0],
    model: ["h100", null, "h100"],
    memory_total: [100, 100, null],
    util: [99, 0, null],
    memory_used: [50, null, null],
    temperature: [60, 30, null],
    power: [1, 1, null],
    owner: ["ana", null, null],
    job: ["j", null, null],
    jobs: [1, 0, 0],
    state: ["leased", "free", "unknown"],
    blocked: [null, null, null],
    blocked_why: [null, null, null],
    health: ["critical", null, null],
  },
};
