// What the submit form holds, and the body of `POST jobs` that it comes to. Pure.
import type { JobBody } from "../../data/job";
import {
  afterOf,
  arrayOf,
  codesOf,
  commandOf,
  folder,
  graceOf,
  inContainer,
  limitsOf,
  notifyOf,
  onOneNode,
  onTerminal,
  plainWords,
  shareOf,
  some,
  umaskOf,
  words,
} from "./form-parts";
import { durationOf, environmentOf, linesOf, sizeOf, wholeOf, Wrong } from "./quantities";

export const SIGNALS = ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "CONT", "ALRM", "ABRT", "WINCH"] as const;

export interface JobForm {
  kind: "command" | "script";
  command: string;
  script: string;
  cwd: string;
  name: string;
  gpus: string;
  nodes: string;
  share: string;
  gpuModel: string;
  gpuMemory: string;
  cpus: string;
  memory: string;
  node: string;
  timeLimit: string;
  priority: string;
  preemptible: boolean;
  checkpoint: string;
  retries: string;
  retryCodes: string;
  singleton: boolean;
  image: string;
  engine: "" | "docker" | "podman";
  mounts: string;
  setup: string;
  environment: string;
  after: string;
  afterKind: "ok" | "any" | "notok";
  array: string;
  ifLost: "requeue" | "keep" | "fence";
  grace: string;
  stopSignal: (typeof SIGNALS)[number];
  umask: string;
  limits: string;
  pty: boolean;
  notify: string;
}

export const EMPTY: JobForm = {
  kind: "command",
  command: "",
  script: "",
  cwd: "",
  name: "",
  gpus: "1",
  nodes: "1",
  share: "",
  gpuModel: "",
  gpuMemory: "",
  cpus: "",
  memory: "",
  node: "",
  timeLimit: "",
  priority: "",
  preemptible: false,
  checkpoint: "",
  retries: "",
  retryCodes: "",
  singleton: false,
  image: "",
  engine: "",
  mounts: "",
  setup: "",
  environment: "",
  after: "",
  afterKind: "ok",
  array: "",
  ifLost: "requeue",
  grace: "",
  stopSignal: "TERM",
  umask: "",
  limits: "",
  pty: false,
  notify: "",
};

export type Errors = Partial<Record<keyof JobForm, string>>;

export interface Read {
  errors: Errors;
  /** Null while something is wrong or missing. */
  body: JobBody | null;
}

/** Fields of the API that a form's field stands for, for what it refuses. */
export const FIELD_OF: Record<string, keyof JobForm> = {
  command: "command",
  cwd: "cwd",
  name: "name",
  gpus: "gpus",
  nodes: "nodes",
  gpu_share: "share",
  gpu_model: "gpuModel",
  gpu_memory_bytes: "gpuMemory",
  cpus: "cpus",
  memory_bytes: "memory",
  node: "node",
  time_limit: "timeLimit",
  priority: "priority",
  checkpoint: "checkpoint",
  retries: "retries",
  retry_codes: "retryCodes",
  image: "image",
  engine: "engine",
  mounts: "mounts",
  setup: "setup",
  environment: "environment",
  after: "after",
  array: "array",
  grace: "grace",
  stop_signal: "stopSignal",
  if_lost: "ifLost",
  preemptible: "preemptible",
  singleton: "singleton",
  umask: "umask",
  limits: "limits",
  pty: "pty",
  notify: "notify",
};

/** The body that the form means. Only what differs from what the API takes for granted is in it. */
export function read(form: JobForm): Read {
  const errors: Errors = {};
  function take<T>(field: keyof JobForm, how: () => T): T | null {
    try {
      return how();
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      errors[field] = error.message;
      return null;
    }
  }

  const command = take(form.kind, () => commandOf(form));
  const cwd = take("cwd", () => folder(form.cwd));
  const gpus = take("gpus", () => wholeOf(form.gpus, 1, 4096)) ?? 1;
  const nodes = take("nodes", () => wholeOf(form.nodes, 1, 512)) ?? 1;
  const share = take("share", () => shareOf(form.share, gpus, nodes));
  const optional = {
    gpu_model: words(form.gpuModel),
    gpu_memory_bytes: take("gpuMemory", () => sizeOf(form.gpuMemory)),
    cpus: take("cpus", () => wholeOf(form.cpus, 1, 4096)),
    memory_bytes: take("memory", () => sizeOf(form.memory)),
    node: take("node", () => onOneNode(form.node, nodes)),
    time_limit: take("timeLimit", () => durationOf(form.timeLimit)),
    priority: take("priority", () => wholeOf(form.priority, -1000, 1000)),
    checkpoint: take("checkpoint", () => some(plainWords(form.checkpoint))),
    retries: take("retries", () => wholeOf(form.retries, 0, 100)),
    retry_codes: take("retryCodes", () => some(codesOf(form.retryCodes))),
    image: words(form.image),
    engine: take("engine", () => inContainer(form, words(form.engine))),
    mounts: take("mounts", () => inContainer(form, some(linesOf(form.mounts)))),
    setup: some(linesOf(form.setup)),
    environment: take("environment", () => some(environmentOf(form.environment))),
    after: take("after", () => some(afterOf(form.after, form.afterKind))),
    array: take("array", () => arrayOf(form.array)),
    grace: take("grace", () => graceOf(form.grace)),
    umask: take("umask", () => umaskOf(form.umask)),
    limits: take("limits", () => some(limitsOf(form.limits))),
    pty: take("pty", () => onTerminal(form.pty, nodes)),
    notify: take("notify", () => some(notifyOf(form.notify))),
  };
  if (Object.keys(errors).length > 0 || command === null || cwd === null) return { errors, body: null };
  const given = Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== null));
  const body: JobBody = {
    command,
    cwd,
    gpus,
    nodes,
    ...given,
    ...(share === null ? {} : { gpu_share: share }),
    ...(form.name.trim() === "" ? {} : { name: form.name.trim() }),
    ...(form.preemptible ? { preemptible: true } : {}),
    ...(form.singleton ? { singleton: true } : {}),
    ...(form.ifLost === "requeue" ? {} : { if_lost: form.ifLost }),
    ...(form.stopSignal === "TERM" ? {} : { stop_signal: form.stopSignal }),
  };
  return { errors, body };
}
