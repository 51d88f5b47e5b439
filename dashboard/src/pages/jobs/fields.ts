// The fields of the submit form, in the order in which they are asked for. Used by FormFields.
import type { JobForm } from "./job-form";

type Words = { [K in keyof JobForm]: string extends JobForm[K] ? K : never }[keyof JobForm];

export interface Field {
  readonly field: Words;
  readonly label: string;
  readonly help?: string;
  readonly placeholder?: string;
  /** Several lines. */
  readonly rows?: number;
  readonly mono?: boolean;
}

export interface Group {
  readonly title: string;
  readonly fields: readonly Field[];
}

/** Always in sight. */
export const SIZE: readonly Field[] = [
  { field: "gpus", label: "GPUs", help: "On each node." },
  { field: "nodes", label: "Nodes", help: "All at once, or none." },
  { field: "timeLimit", label: "Time limit", placeholder: "2h", help: "Short jobs fit into gaps." },
  { field: "gpuModel", label: "GPU model", placeholder: "h100,a100", help: "The best liked first." },
];

/** Opened when they are wanted. */
export const GROUPS: readonly Group[] = [
  {
    title: "Resources",
    fields: [
      { field: "gpuMemory", label: "GPU memory", placeholder: "80GiB", help: "At least, on each GPU." },
      { field: "share", label: "Share of a GPU", placeholder: "25 %", help: "Of one GPU's memory." },
      { field: "cpus", label: "CPUs", placeholder: "8", help: "Kept for it on its node." },
      { field: "memory", label: "Memory", placeholder: "64GiB", help: "Kept for it on its node." },
      { field: "node", label: "Node", placeholder: "node-1", help: "Only on the one of this name." },
    ],
  },
  {
    title: "Environment and container",
    fields: [
      {
        field: "environment",
        label: "Environment",
        rows: 4,
        mono: true,
        placeholder: "NAME=VALUE",
        help: "One a line. You alone can read it afterwards.",
      },
      { field: "setup", label: "Before the command", rows: 2, mono: true, placeholder: "module load cuda" },
      { field: "image", label: "Container image", mono: true, placeholder: "pytorch/pytorch:latest" },
      { field: "mounts", label: "Mounts", rows: 2, mono: true, placeholder: "/data:/data:ro", help: "One a line." },
    ],
  },
  {
    title: "Order, repetition and failure",
    fields: [
      { field: "after", label: "After these jobs", mono: true, help: "Ids, with commas." },
      { field: "array", label: "Array", mono: true, placeholder: "0-9%2", help: "A job for each index." },
      { field: "priority", label: "Priority", placeholder: "0", help: "Above 0: operators alone." },
      { field: "retries", label: "Retries", placeholder: "0", help: "Queued again so often when it fails." },
      { field: "retryCodes", label: "Only after exit codes", placeholder: "any" },
      { field: "checkpoint", label: "Checkpoint command", mono: true, help: "Runs before it makes room." },
      { field: "notify", label: "Tell", placeholder: "mail:fail", help: "Channels: end, fail or start." },
    ],
  },
  {
    title: "Process",
    fields: [
      { field: "grace", label: "Grace", placeholder: "30s", help: "From the stop signal to SIGKILL." },
      { field: "umask", label: "Umask", placeholder: "022", mono: true, help: "Of the files that it makes." },
      {
        field: "limits",
        label: "Limits",
        rows: 2,
        mono: true,
        placeholder: "nofile=65536",
        help: "rlimits, as in prlimit(1): one a line.",
      },
    ],
  },
];
