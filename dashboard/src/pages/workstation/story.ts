// What a single machine's GPUs are doing, told to somebody who has never seen the product: who has them now, what
// was paused and why, what is next. Pure; drawn by the page of a workstation.

import type { Node, NodeGpu } from "../../data/node";
import { jobName, type JobWhy, type PlacedJob } from "../../data/placed-job";
import type { Workload } from "../../data/workload";

export type Holder =
  | { readonly kind: "job"; readonly jobs: readonly PlacedJob[] }
  | { readonly kind: "workload"; readonly workloads: readonly Workload[] }
  | { readonly kind: "blocked"; readonly word: NonNullable<NodeGpu["blocked"]>["kind"]; readonly why: string }
  | { readonly kind: "free" }
  | { readonly kind: "unknown"; readonly why: string };

export interface GpuStory {
  readonly gpu: NodeGpu;
  readonly holder: Holder;
}

const HOLDS = new Set<PlacedJob["state"]>(["ALLOCATED", "STARTING", "RUNNING", "LOST"]);
const LIVE = new Set<Workload["state"]>(["running", "idle"]);

/** Who has each GPU. Null: the machine has not told which GPUs it has. */
export function gpuStories(
  node: Node,
  jobs: readonly PlacedJob[],
  workloads: readonly Workload[],
): readonly GpuStory[] | null {
  if (node.gpus === null) return null;
  return [...node.gpus]
    .sort((a, b) => a.index - b.index)
    .map((gpu) => ({ gpu, holder: holderOf(node, gpu, jobs, workloads) }));
}

function holderOf(node: Node, gpu: NodeGpu, jobs: readonly PlacedJob[], workloads: readonly Workload[]): Holder {
  if (node.state === "silent") return { kind: "unknown", why: "The machine does not answer." };
  const held = jobs.filter((job) => job.node === node.name && HOLDS.has(job.state) && job.gpus.includes(gpu.uuid));
  if (held.length > 0) return { kind: "job", jobs: held };
  const there = workloads.filter(
    (one) => one.node === node.name && LIVE.has(one.state) && one.gpus?.includes(gpu.uuid),
  );
  if (there.length > 0) return { kind: "workload", workloads: there };
  if (gpu.blocked?.kind === "unknown") return { kind: "unknown", why: gpu.blocked.why };
  if (gpu.blocked !== null) return { kind: "blocked", word: gpu.blocked.kind, why: gpu.blocked.why };
  return { kind: "free" };
}

/** GPUs that are with the same, together: what somebody has is told once. In the order of their first. */
export interface HeldGroup {
  readonly holder: Holder;
  readonly gpus: readonly NodeGpu[];
}

export function groupsOf(stories: readonly GpuStory[]): readonly HeldGroup[] {
  const groups = new Map<string, { holder: Holder; gpus: NodeGpu[] }>();
  for (const { gpu, holder } of stories) {
    const key = sameAs(holder);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { holder, gpus: [gpu] });
    else group.gpus.push(gpu);
  }
  return [...groups.values()];
}

function sameAs(holder: Holder): string {
  switch (holder.kind) {
    case "free":
      return "free";
    case "job":
      return `job ${holder.jobs.map((job) => job.id).join(" ")}`;
    case "workload":
      return `workload ${holder.workloads.map((one) => one.id).join(" ")}`;
    case "blocked":
      return `blocked ${holder.word} ${holder.why}`;
    case "unknown":
      return `unknown ${holder.why}`;
  }
}

export interface PausedThing {
  readonly id: string;
  readonly what: string;
  readonly owner: string | null;
  /** A sentence; why, as far as is known. */
  readonly why: string;
  /** RFC 3339; null is unknown. */
  readonly since: string | null;
  /** Id of the job, where it is one. */
  readonly job: string | null;
}

/** What would run there were it not for something else: jobs stopped to make room, and services that sleep. */
export function pausedThings(
  node: Node,
  jobs: readonly PlacedJob[],
  workloads: readonly Workload[],
): readonly PausedThing[] {
  const making = jobs
    .filter((job) => job.preempt !== null && HOLDS.has(job.state))
    .map((job): PausedThing => ({
      id: job.id,
      what: jobName(job),
      owner: job.owner,
      why: `It is being stopped${job.preempt?.why ? `: ${job.preempt.why}` : " to make room for another job"}. It will be tried again by itself.`,
      since: job.preempt?.at ?? null,
      job: job.id,
    }));
  const waiting = jobs
    .filter((job) => job.state === "QUEUED" && job.preemptions > 0)
    .map((job): PausedThing => ({
      id: job.id,
      what: jobName(job),
      owner: job.owner,
      why: `It was stopped ${times(job.preemptions)} to make room for a more important job, and is back in the queue.`,
      since: null,
      job: job.id,
    }));
  const asleep = workloads
    .filter((one) => one.node === node.name && one.state === "paused")
    .map((one): PausedThing => ({
      id: one.id,
      what: one.name,
      owner: one.user,
      why: whyAsleep(node, one, jobs),
      since: null,
      job: null,
    }));
  return [...making, ...waiting, ...asleep];
}

function whyAsleep(node: Node, one: Workload, jobs: readonly PlacedJob[]): string {
  const having = jobs.filter(
    (job) => job.node === node.name && HOLDS.has(job.state) && job.gpus.some((uuid) => one.gpus?.includes(uuid)),
  );
  const first = having[0];
  if (first === undefined) return "Nobody has said why.";
  return `Its GPU is with ${jobName(first)} of ${first.owner}. It goes on once that is over.`;
}

function times(count: number): string {
  return count === 1 ? "once" : count === 2 ? "twice" : `${count} times`;
}

export interface NextThing {
  readonly job: PlacedJob;
  /** RFC 3339; null: it cannot be told. */
  readonly starts: string | null;
  /** Where that comes from, or why it cannot be told. */
  readonly basis: string;
  readonly reason: string;
}

/** What waits, in the order in which it is expected: by estimated start, then by how many are ahead. */
export function nextThings(jobs: readonly PlacedJob[], whys: ReadonlyMap<string, JobWhy>): readonly NextThing[] {
  return jobs
    .filter((job) => job.state === "QUEUED")
    .map((job) => {
      const why = whys.get(job.id);
      return {
        ahead: why?.ahead ?? Number.MAX_SAFE_INTEGER,
        thing: {
          job,
          starts: why?.estimated_start ?? null,
          basis: why?.basis ?? "",
          reason: why?.reason ?? job.reason,
        },
      };
    })
    .sort((a, b) => a.ahead - b.ahead || a.thing.job.submitted_at.localeCompare(b.thing.job.submitted_at))
    .map(({ thing }) => thing);
}

/** The whole in one sentence, for the top of the page. */
export function headline(stories: readonly GpuStory[] | null): string {
  if (stories === null) return "The machine has not told yet which GPUs it has.";
  if (stories.length === 0) return "This machine has no GPU.";
  const count = (kind: Holder["kind"]) => stories.filter((one) => one.holder.kind === kind).length;
  const free = count("free");
  const unknown = count("unknown");
  if (stories.length === 1) {
    const holder = stories[0]?.holder;
    if (holder?.kind === "free") return "The GPU is free.";
    if (holder?.kind === "unknown") return "Whether the GPU is free is unknown.";
    if (holder?.kind === "blocked") return "The GPU is not given to jobs at the moment.";
    const who = holder === undefined ? null : whoHas(holder);
    return who === null ? "Somebody has the GPU." : `${who} has the GPU.`;
  }
  if (unknown === stories.length) return `Whether the ${stories.length} GPUs are free is unknown.`;
  if (free === stories.length) return `All ${stories.length} GPUs are free.`;
  const rest = unknown > 0 ? ` Of ${unknown}, it is unknown.` : "";
  return free === 0 ? `None of the ${stories.length} GPUs is free.${rest}` : `${free} of ${stories.length} GPUs ${free === 1 ? "is" : "are"} free.${rest}`;
}

/** Who that is: "ana", "ana and bob"; null: nobody, or unknown. */
export function whoHas(holder: Holder): string | null {
  const names =
    holder.kind === "job"
      ? holder.jobs.map((job) => job.owner)
      : holder.kind === "workload"
        ? holder.workloads.map((one) => one.user).filter((user) => user !== null)
        : [];
  const all = [...new Set(names)];
  return all.length === 0 ? null : all.length === 1 ? (all[0] ?? null) : `${all.slice(0, -1).join(", ")} and ${all.at(-1) ?? ""}`;
}
