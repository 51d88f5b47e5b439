// Jobs, workloads and arbiters for tests.

import type { Arbiter, Service } from "../../data/node";
import type { PlacedJob } from "../../data/placed-job";
import type { Workload } from "../../data/workload";

export function aJob(more: Partial<PlacedJob>): PlacedJob {
  return {
    id: "j1",
    owner: "ana",
    name: "train",
    state: "RUNNING",
    reason: "",
    node: "n1",
    gpus: [],
    preempt: null,
    preemptions: 0,
    submitted_at: "1970-01-01T00:00:00Z",
    started_at: "1970-01-01T00:01:00Z",
    ended_at: null,
    spec: { gpus: 1, nodes: 1, gpu_milli: 1000, time_limit: null, priority: 0 },
    ...more,
  };
}

export function aWorkload(more: Partial<Workload>): Workload {
  return {
    id: "w1",
    node: "n1",
    tenant: "default",
    name: "notebook",
    user: "bob",
    origin: "raw-docker",
    category: "unmanaged-container",
    state: "running",
    managed: false,
    gpu_access: true,
    gpus: ["GPU-0"],
    gpu_indices: [0],
    gpu_memory_bytes: null,
    gpu_utilization_percent: null,
    cpu_percent: null,
    memory_bytes: null,
    image: null,
    command: null,
    pid: null,
    pids: [],
    runtime: null,
    pod: null,
    slurm_job: null,
    transient: false,
    source: null,
    created_at: null,
    started_at: null,
    first_seen_at: null,
    last_seen_at: null,
    quiet_since: null,
    idle_since: null,
    user_evidence: [],
    origin_evidence: [],
    gpu_evidence: [],
    conflicts: [],
    ...more,
  };
}

export function aService(more: Partial<Service>): Service {
  return { name: "chat", state: "running", how: "sleep", why: "", since: null, gpus: ["GPU-0"], freed_bytes: null, ...more };
}

export function anArbiter(more: Partial<Arbiter>): Arbiter {
  return { node: "n1", standing: "answers", why: "", services: [], leases: [], waiting: [], hold: null, ...more };
}
