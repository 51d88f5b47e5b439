// A job, as far as nodes, GPUs and a workstation show it. Used by those pages.
import type { Job, Why } from "./shapes";

export type PlacedJob = Pick<
  Job,
  | "id"
  | "owner"
  | "name"
  | "state"
  | "reason"
  | "node"
  | "gpus"
  | "preempt"
  | "preemptions"
  | "submitted_at"
  | "started_at"
  | "ended_at"
> & { readonly spec: Pick<Job["spec"], "gpus" | "nodes" | "gpu_milli" | "time_limit" | "priority"> };

/** How the queue says why a job waits, as far as it is shown. */
export type JobWhy = Pick<Why, "id" | "reason" | "ahead" | "blocking" | "estimated_start" | "basis" | "would_start_now_if">;

/** What to call it: its name, else its id. */
export function jobName(job: Pick<Job, "id" | "name">): string {
  return job.name === "" ? job.id : job.name;
}
