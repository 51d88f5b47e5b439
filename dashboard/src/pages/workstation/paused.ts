// What would run on a machine were it not for something else, and why; and what its arbiter says besides. Pure; drawn by
// the page of a workstation.

import type { Arbiter, Asked, Lent, Node, Service } from "../../data/node";
import { jobName, type PlacedJob } from "../../data/placed-job";
import type { Workload } from "../../data/workload";
import { sentence } from "./outlook";
import { HOLDS } from "./story";

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
  arbiter: Arbiter | null = null,
): readonly PausedThing[] {
  // What was told before a machine fell silent is not known to be so now.
  const services =
    node.state === "up" && arbiter !== null ? arbiter.services.flatMap((one) => pausedService(one, arbiter.leases, jobs)) : [];
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
  return [...services, ...making, ...waiting, ...asleep];
}

const SAYS: Readonly<Partial<Record<Service["state"], string>>> = {
  pausing: "It is being paused",
  paused: "It is paused",
  resuming: "It is being started again",
  failed: "It could not be started again",
};

function pausedService(one: Service, leases: readonly Lent[], jobs: readonly PlacedJob[]): readonly PausedThing[] {
  const says = SAYS[one.state];
  if (says === undefined) return [];
  // Its own words name a lease, which nobody at the screen knows: who has its GPUs says the same.
  const lease = one.state === "paused" || one.state === "pausing" ? leases.find(({ gpus }) => gpus.some((uuid) => one.gpus.includes(uuid))) : undefined;
  const why =
    lease !== undefined
      ? `${says}: ${one.gpus.length === 1 ? "its GPU is" : "its GPUs are"} with ${whoseIs(lease, jobs)}. It goes on once that is over`
      : one.why === ""
        ? says
        : `${says}: ${one.why}`;
  return [{ id: `service ${one.name}`, what: one.name, owner: null, why: sentence(why), since: one.since, job: null }];
}

function whoseIs(lease: Lent, jobs: readonly PlacedJob[]): string {
  if (lease.job === null) return `${lease.user}, on the machine itself`;
  const job = jobs.find(({ id }) => id === lease.job);
  return job === undefined ? `job ${lease.job}` : `${jobName(job)} of ${job.owner}`;
}

/** Who asked for a GPU on the machine itself and waits; those of the queue's jobs are among the jobs. */
export function askedThere(node: Node, arbiter: Arbiter | null): readonly Asked[] {
  return node.state === "up" && arbiter !== null ? arbiter.waiting.filter((one) => one.job === null) : [];
}

/** What is to be known of the arbiter itself before its word is taken; null: nothing. */
export function arbiterNote(node: Node, arbiter: Arbiter | null): string | null {
  if (node.state !== "up" || arbiter === null) return null;
  const { standing, why, hold } = arbiter;
  if (standing === "silent") return sentence(`What is paused is not known: the arbiter of this machine does not answer${why === "" ? "" : ` (${why})`}`);
  if (hold === null) return null;
  return sentence(`All services are paused by hand, by ${hold.by}${hold.why === "" ? "" : `: ${hold.why}`}`);
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
