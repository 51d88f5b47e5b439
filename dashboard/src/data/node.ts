// A node as `GET /api/v1/nodes` answers it. Used by the pages of nodes, GPUs and of a workstation.
// Null is unknown everywhere; `samples` null: nothing newer than 30 seconds.

export type NodeState = "up" | "silent" | "dead";

export type BlockKind = "unmanaged" | "quarantined" | "leased" | "unknown";

export interface Said {
  readonly by: string;
  readonly at: string;
  readonly why: string;
}

export interface NodeGpu {
  readonly uuid: string;
  readonly index: number;
  readonly model: string | null;
  readonly memory_total_bytes: number | null;
  readonly island: number | null;
  readonly numa: number | null;
  readonly blocked: { readonly kind: BlockKind; readonly why: string } | null;
}

export interface Sample {
  readonly uuid: string;
  readonly utilization_percent: number | null;
  readonly memory_used_bytes: number | null;
  readonly temperature_celsius: number | null;
  readonly power_watts: number | null;
}

export interface Stray {
  readonly id: string;
  readonly name: string | null;
  readonly user: string | null;
  readonly origin: string | null;
  readonly state: string | null;
  readonly pid: number | null;
  readonly gpus: readonly string[] | null;
}

export interface Node {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly state: NodeState;
  readonly drained: Said | null;
  readonly boot_id: string;
  readonly agent_version: string;
  readonly joined_at: string;
  readonly last_seen_at: string | null;
  readonly gpus: readonly NodeGpu[] | null;
  readonly address: string;
  readonly cpus: number | null;
  readonly memory_bytes: number | null;
  readonly sharing: "mps" | "unenforced" | "no";
  readonly samples: readonly Sample[] | null;
  readonly jobs: readonly string[];
  readonly strays: readonly Stray[];
}

export interface JoinCommand {
  readonly command: string;
  readonly url: string;
  readonly token_id: string;
  readonly expires_at: string | null;
}

/** What the arbiter of a machine decides there, as `GET /api/v1/nodes/{name}/arbiter` answers it: services that give way to
 *  jobs, and GPUs lent on the machine itself. Of a node that is silent it is what was told last. */
export interface Arbiter {
  readonly node: string;
  /** "none": the machine has no arbiter; "unknown": it has never told. */
  readonly standing: "answers" | "silent" | "none" | "unknown";
  /** Of "silent". */
  readonly why: string;
  readonly services: readonly Service[];
  readonly leases: readonly Lent[];
  readonly waiting: readonly Asked[];
  /** Somebody has paused all services by hand. */
  readonly hold: { readonly by: string; readonly why: string; readonly since: string | null } | null;
}

export interface Service {
  readonly name: string;
  readonly state: "running" | "pausing" | "paused" | "resuming" | "failed" | "stopped" | "unknown";
  readonly how: string | null;
  readonly why: string;
  readonly since: string | null;
  readonly gpus: readonly string[];
  readonly freed_bytes: number | null;
}

/** GPUs given to somebody, on the machine itself or to a job of the queue. */
export interface Lent {
  readonly id: string;
  readonly user: string;
  readonly gpus: readonly string[];
  readonly since: string | null;
  readonly command: string;
  readonly job: string | null;
}

/** Somebody who asked for a GPU there and waits. */
export interface Asked {
  readonly user: string;
  readonly why: string;
  readonly since: string | null;
  readonly command: string;
  readonly job: string | null;
}
