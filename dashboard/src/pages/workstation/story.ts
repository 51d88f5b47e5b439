// What a single machine's GPUs are doing, told to somebody who has never seen the product: who has them now, what
// was paused and why, what is next. Pure; drawn by the page of a workstation.

import type { Arbiter, Lent, Node, NodeGpu, Service } from "../../data/node";
import type { JobWhy, PlacedJob } from "../../data/placed-job";
import type { Workload } from "../../data/workload";
import { ended, type Outlook, outlookOf, sentence } from "./outlook";

export type Holder =
  | { readonly kind: "job"; readonly jobs: readonly PlacedJob[] }
  /** Lent to somebody on the machine itself. */
  | { readonly kind: "lent"; readonly lent: readonly Lent[] }
  /** A service that gives way to jobs. */
  | { readonly kind: "service"; readonly services: readonly Service[] }
  | { readonly kind: "workload"; readonly workloads: readonly Workload[] }
  | { readonly kind: "blocked"; readonly word: NonNullable<NodeGpu["blocked"]>["kind"]; readonly why: string }
  | { readonly kind: "free" }
  | { readonly kind: "unknown"; readonly why: string };

export interface GpuStory {
  readonly gpu: NodeGpu;
  readonly holder: Holder;
}

export const HOLDS: ReadonlySet<PlacedJob["state"]> = new Set<PlacedJob["state"]>(["ALLOCATED", "STARTING", "RUNNING", "LOST"]);
const LIVE = new Set<Workload["state"]>(["running", "idle"]);
const ON = new Set<Service["state"]>(["running", "pausing", "resuming"]);

/** Who has each GPU. Null: the machine has not told which GPUs it has. */
export function gpuStories(
  node: Node,
  jobs: readonly PlacedJob[],
  workloads: readonly Workload[],
  arbiter: Arbiter | null = null,
): readonly GpuStory[] | null {
  if (node.gpus === null) return null;
  return [...node.gpus]
    .sort((a, b) => a.index - b.index)
    .map((gpu) => ({ gpu, holder: holderOf(node, gpu, jobs, workloads, arbiter) }));
}

function holderOf(
  node: Node,
  gpu: NodeGpu,
  jobs: readonly PlacedJob[],
  workloads: readonly Workload[],
  arbiter: Arbiter | null,
): Holder {
  if (node.state === "silent") return { kind: "unknown", why: "The machine does not answer." };
  const held = jobs.filter((job) => job.node === node.name && HOLDS.has(job.state) && job.gpus.includes(gpu.uuid));
  if (held.length > 0) return { kind: "job", jobs: held };
  const lent = (arbiter?.leases ?? []).filter((one) => one.job === null && one.gpus.includes(gpu.uuid));
  if (lent.length > 0) return { kind: "lent", lent };
  const services = (arbiter?.services ?? []).filter((one) => ON.has(one.state) && one.gpus.includes(gpu.uuid));
  if (services.length > 0) return { kind: "service", services };
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
    case "lent":
      return `lent ${holder.lent.map((one) => one.id).join(" ")}`;
    case "service":
      return `service ${holder.services.map((one) => one.name).join("\n")}`;
    case "workload":
      return `workload ${holder.workloads.map((one) => one.id).join(" ")}`;
    case "blocked":
      return `blocked ${holder.word} ${holder.why}`;
    case "unknown":
      return `unknown ${holder.why}`;
  }
}

export interface NextThing {
  readonly job: PlacedJob;
  readonly outlook: Outlook;
  /** To stand behind a colon; "": nobody has said why. */
  readonly reason: string;
}

/** Those of which it is worth asking when they start: the queue takes higher priorities first, then older ones. */
export function firstInLine(jobs: readonly PlacedJob[], most: number): readonly PlacedJob[] {
  return jobs
    .filter((job) => job.state === "QUEUED")
    .sort((a, b) => b.spec.priority - a.spec.priority || a.submitted_at.localeCompare(b.submitted_at))
    .slice(0, most);
}

/** What waits, in the order in which it is expected: by how many are ahead; those of which that is not known come last. */
export function nextThings(jobs: readonly PlacedJob[], whys: ReadonlyMap<string, JobWhy>): readonly NextThing[] {
  return firstInLine(jobs, jobs.length)
    .map((job) => {
      const why = whys.get(job.id);
      return {
        ahead: why?.ahead ?? Number.MAX_SAFE_INTEGER,
        thing: { job, outlook: outlookOf(why), reason: ended(why?.reason ?? job.reason) },
      };
    })
    .sort((a, b) => a.ahead - b.ahead)
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
    if (holder?.kind === "service") return `${listed(holder.services.map((one) => one.name))} has the GPU, and makes room for jobs.`;
    const who = holder === undefined ? null : whoHas(holder);
    return who === null ? "Somebody has the GPU." : `${who} has the GPU.`;
  }
  if (unknown === stories.length) return `Whether the ${stories.length} GPUs are free is unknown.`;
  if (free === stories.length) return `All ${stories.length} GPUs are free.`;
  const giving = stories.flatMap(({ holder }) => (holder.kind === "service" ? [holder.services] : []));
  if (giving.length === stories.length) {
    const names = [...new Set(giving.flat().map((one) => one.name))];
    const [has, makes] = names.length === 1 ? ["has", "makes"] : ["have", "make"];
    return `${listed(names)} ${has} ${stories.length === 2 ? "both" : `all ${stories.length}`} GPUs, and ${makes} room for jobs.`;
  }
  if (giving.length > 0 && unknown === 0) {
    const more = `${giving.length}${free > 0 ? " more" : ""} ${giving.length === 1 ? "is" : "are"} with services that make room for jobs.`;
    return free === 0 ? `None of the ${stories.length} GPUs is free, but ${more}` : `${free} of ${stories.length} GPUs ${free === 1 ? "is" : "are"} free, and ${more}`;
  }
  const rest = unknown > 0 ? ` Of ${unknown}, it is unknown.` : "";
  return free === 0 ? `None of the ${stories.length} GPUs is free.${rest}` : `${free} of ${stories.length} GPUs ${free === 1 ? "is" : "are"} free.${rest}`;
}

/** Who that is: "ana", "ana and bob"; null: nobody, or unknown. */
export function whoHas(holder: Holder): string | null {
  const all = [...new Set(namesOf(holder))];
  return all.length === 0 ? null : listed(all);
}

function namesOf(holder: Holder): readonly string[] {
  if (holder.kind === "job") return holder.jobs.map((job) => job.owner);
  if (holder.kind === "lent") return holder.lent.map((one) => one.user);
  if (holder.kind === "workload") return holder.workloads.map((one) => one.user).filter((user) => user !== null);
  return [];
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1) ?? ""}`;
}

/** The rest in a sentence, beneath the first: who has them, what is paused, how many wait. */
export function summaryOf(stories: readonly GpuStory[], paused: number, waiting: number): string {
  const who = [...new Set(stories.flatMap(({ holder }) => namesOf(holder)))].sort();
  const having =
    who.length === 0 || stories.length === 1 ? null : `used by ${who.length <= 4 ? listed(who) : `${who.length} people`}`;
  const parts = [
    having,
    paused === 0 ? "nothing is paused" : paused === 1 ? "one thing is paused" : `${paused} things are paused`,
    waiting === 0 ? "nobody waits" : waiting === 1 ? "one job waits" : `${waiting} jobs wait`,
  ].filter((part) => part !== null);
  return sentence(parts.join("; "));
}

/** GPUs that were taken out though somebody still has them: no new job starts there, and that is said beside who has it. */
export function takenOut({ holder, gpus }: HeldGroup): readonly NodeGpu[] {
  return holder.kind === "blocked" ? [] : gpus.filter((gpu) => gpu.blocked?.kind === "quarantined");
}
