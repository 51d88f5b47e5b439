// What can be said of a job without asking further: states, sizes, ends; and the shapes of its neighbours that
// data/shapes does not name. Used by the pages of jobs and of the queue.
import type { components } from "./api.gen";
import type { Event, OneJob, Spec } from "./shapes";

type Schemas = components["schemas"];

export type JobArray = Schemas["ArrayShape"];
export type JobBody = Schemas["JobRequest"];
export type AfterRequest = Schemas["AfterRequest"];
export type Part = Schemas["PartShape"];
export type Change = Schemas["ChangeShape"];
export type Preview = Schemas["JobPreviewShape"];
export type JobState = OneJob["state"];
export type JobEvent = Pick<Event, "id" | "time" | "type" | "data">;

export const STATES = [
  "QUEUED",
  "ALLOCATED",
  "STARTING",
  "RUNNING",
  "LOST",
  "SUCCEEDED",
  "FAILED",
  "CANCELED",
] as const satisfies readonly JobState[];

/** What a waiting job would need: a job that has it, or `what` else does. */
export interface HeldBy {
  readonly job?: string;
  readonly what?: string;
  readonly gpus: readonly string[];
  readonly why: string;
  readonly until: string | null;
}

/** It runs nowhere and never will again. */
export function ended(state: JobState): boolean {
  return state === "SUCCEEDED" || state === "FAILED" || state === "CANCELED";
}

/** It holds GPUs that nobody else gets. */
export function placed(state: JobState): boolean {
  return state === "ALLOCATED" || state === "STARTING" || state === "RUNNING" || state === "LOST";
}

export function isArray(found: OneJob | JobArray): found is JobArray {
  return "states" in found;
}

type Size = Pick<Spec, "gpus" | "nodes" | "gpu_milli">;

/** GPUs on all its nodes; a share counts as a part of one. */
export function gpusAsked(spec: Size): number {
  return (spec.gpus * spec.nodes * spec.gpu_milli) / 1000;
}

/** "4 GPUs", "2 × 8 h100 GPUs", "25 % of a GPU". */
export function gpusInWords(spec: Size & Pick<Spec, "gpu_model">): string {
  const model = spec.gpu_model === null ? "" : ` ${spec.gpu_model}`;
  if (spec.gpu_milli < 1000) return `${Number((spec.gpu_milli / 10).toFixed(1))} % of a${model} GPU`;
  const each = `${spec.gpus}${model} ${spec.gpus === 1 ? "GPU" : "GPUs"}`;
  return spec.nodes === 1 ? each : `${spec.nodes} × ${each}`;
}

const SIGNALS: Readonly<Record<number, string>> = {
  1: "HUP",
  2: "INT",
  3: "QUIT",
  6: "ABRT",
  7: "BUS",
  8: "FPE",
  9: "KILL",
  10: "USR1",
  11: "SEGV",
  12: "USR2",
  13: "PIPE",
  14: "ALRM",
  15: "TERM",
};

/** How it ended, where that is known: "exit code 3", "signal 9 (KILL)". */
export function endInWords(job: Pick<OneJob, "state" | "exit_code" | "signal">): string | null {
  if (!ended(job.state)) return null;
  if (job.signal !== null) {
    const name = SIGNALS[job.signal];
    return name === undefined ? `signal ${job.signal}` : `signal ${job.signal} (${name})`;
  }
  return job.exit_code === null ? null : `exit code ${job.exit_code}`;
}
