// The queue as a list: who is before whom, and what the jobs ahead of one come to. Used by the queue page. Pure.
import { gpusAsked } from "../../data/job";
import type { Job } from "../../data/shapes";

/**
 * Higher priority first, then age, as the scheduler sorts those of one user. Between users fair shares decide, pass by
 * pass, so it is the order of asking and not a promise.
 */
export function inLine(jobs: readonly Job[]): Job[] {
  return jobs.filter((job) => job.after.length === 0).sort(before);
}

/** Those that are not in line: they wait for other jobs to end. */
export function notInLine(jobs: readonly Job[]): Job[] {
  return jobs.filter((job) => job.after.length > 0).sort(before);
}

function before(a: Job, b: Job): number {
  return (
    b.spec.priority - a.spec.priority ||
    Date.parse(a.submitted_at) - Date.parse(b.submitted_at) ||
    (a.id < b.id ? -1 : 1)
  );
}

export interface Demand {
  owner: string;
  jobs: number;
  gpus: number;
}

/** How much each owner waits for, most first. */
export function demandOf(jobs: readonly Job[]): Demand[] {
  const found = new Map<string, Demand>();
  for (const job of jobs) {
    const one = found.get(job.owner) ?? { owner: job.owner, jobs: 0, gpus: 0 };
    found.set(job.owner, { owner: job.owner, jobs: one.jobs + 1, gpus: one.gpus + gpusAsked(job.spec) });
  }
  return [...found.values()].sort((a, b) => b.gpus - a.gpus || (a.owner < b.owner ? -1 : 1));
}

/** When a running job is over at the latest, epoch milliseconds; null where nothing says so. */
export function latestEnd(job: Job): number | null {
  if (job.spec.time_limit === null || job.started_at === null) return null;
  return Date.parse(job.started_at) + job.spec.time_limit * 1000;
}

/** Running ones, those that are over first at the front, those without an end last. */
export function byEnd(jobs: readonly Job[]): Job[] {
  return [...jobs].sort((a, b) => {
    const [x, y] = [latestEnd(a), latestEnd(b)];
    if (x !== null && y !== null) return x - y;
    if (x !== null || y !== null) return x === null ? 1 : -1;
    return Date.parse(a.started_at ?? a.submitted_at) - Date.parse(b.started_at ?? b.submitted_at);
  });
}
