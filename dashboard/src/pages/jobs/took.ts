// How long a job ran, or has been running. Pure. Used by the pages of jobs and of the queue.
import { duration } from "../../data/format/quantity";
import type { Job } from "../../data/shapes";

export interface Took {
  readonly seconds: number;
  readonly said: string;
  /** Its time limit; null: none. */
  readonly limit: string | null;
}

type Timed = Pick<Job, "started_at" | "ended_at"> & { readonly spec: Pick<Job["spec"], "time_limit"> };

/** Null where it never ran, or that is not known. `now`: epoch milliseconds. */
export function took(job: Timed, now: number): Took | null {
  if (job.started_at === null) return null;
  const until = job.ended_at === null ? now : Date.parse(job.ended_at);
  // Clocks differ: what began a moment ahead of ours has just begun.
  const seconds = Math.max(0, (until - Date.parse(job.started_at)) / 1000);
  if (!Number.isFinite(seconds)) return null;
  const limit = job.spec.time_limit;
  return { seconds, said: duration(seconds), limit: limit === null ? null : duration(limit) };
}
