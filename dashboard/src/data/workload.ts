// A workload as `GET /api/v1/workloads` answers it: what a node sees on its GPUs, whoever started it. Used by
// the pages of workloads, nodes, GPUs and of a workstation. Null is unknown; times are RFC 3339.

export type WorkloadState = "running" | "idle" | "paused" | "restarting" | "created" | "exited" | "unknown";

export type Trust = "kernel" | "runtime" | "declared";

export interface Evidence {
  readonly value: string;
  readonly source: string;
  readonly trust: Trust;
  readonly detail: string;
}

export interface Workload {
  readonly id: string;
  readonly node: string;
  readonly tenant: string;
  readonly name: string;
  readonly user: string | null;
  readonly origin: string;
  readonly category: string;
  readonly state: WorkloadState;
  readonly managed: boolean | null;
  readonly gpu_access: boolean | null;
  readonly gpus: readonly string[] | null;
  readonly gpu_indices: readonly number[] | null;
  readonly gpu_memory_bytes: number | null;
  readonly gpu_utilization_percent: number | null;
  readonly cpu_percent: number | null;
  readonly memory_bytes: number | null;
  readonly image: string | null;
  readonly command: string | null;
  readonly pid: number | null;
  readonly pids: readonly number[];
  readonly runtime: string | null;
  readonly pod: string | null;
  readonly slurm_job: string | null;
  readonly transient: boolean;
  readonly source: string | null;
  readonly created_at: string | null;
  readonly started_at: string | null;
  readonly first_seen_at: string | null;
  readonly last_seen_at: string | null;
  readonly quiet_since: string | null;
  readonly idle_since: string | null;
  readonly user_evidence: readonly Evidence[];
  readonly origin_evidence: readonly Evidence[];
  readonly gpu_evidence: readonly Evidence[];
  readonly conflicts: readonly string[];
}
