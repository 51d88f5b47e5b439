// Nodes for tests.

import type { Node, NodeGpu } from "../../data/node";

export function aGpu(index: number, more: Partial<NodeGpu> = {}): NodeGpu {
  return {
    uuid: `GPU-${index}`,
    index,
    model: "NVIDIA A40",
    memory_total_bytes: 48 * 1024 ** 3,
    island: null,
    numa: null,
    blocked: null,
    ...more,
  };
}

export function aNode(more: Partial<Node>): Node {
  return {
    id: "n1",
    name: "n1",
    tenant: "default",
    state: "up",
    drained: null,
    boot_id: "b",
    agent_version: "1",
    joined_at: "2026-11-26T10:00:00.000Z",
    last_seen_at: "2026-11-26T20:00:00.000Z",
    gpus: [aGpu(0), aGpu(1)],
    address: "",
    cpus: 8,
    memory_bytes: null,
    sharing: "no",
    samples: null,
    jobs: [],
    strays: [],
    ...more,
  };
}
