// What the submit form holds, and the body of `POST jobs` that it comes to. Pure.
import type { AfterRequest, JobBody } from "../../data/job";
import { durationOf, environmentOf, linesOf, sizeOf, wholeOf, Wrong } from "./quantities";
import { splitWords } from "./words";

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

function commandOf(form: JobForm): string[] {
  if (form.kind === "script") {
    if (form.script.trim() === "") throw new Wrong("What is it to run?");
    return ["bash", "-c", form.script.replaceAll("\r\n", "\n")];
  }
  const found = plainWords(form.command);
  if (found.length === 0) throw new Wrong("What is it to run?");
  return found;
}

function plainWords(text: string): string[] {
  const split = splitWords(text.trim());
  if ("wrong" in split) throw new Wrong(split.wrong);
  return split.words;
}

function folder(text: string): string {
  const path = text.trim();
  if (path === "") throw new Wrong("The folder to run in, as its node has it.");
  if (!path.startsWith("/")) throw new Wrong("A whole path: it begins with /.");
  return path;
}

function shareOf(text: string, gpus: number, nodes: number): number | null {
  const percent = text.trim().replace(/\s*%$/, "");
  if (percent === "") return null;
  const found = Number(percent);
  if (!/^\d+(\.\d)?$/.test(percent) || found < 0.1 || found > 100)
    throw new Wrong("Percent of a GPU, from 0.1 to 100.");
  if (found === 100) return null;
  if (gpus > 1 || nodes > 1) throw new Wrong("A share is of one GPU, on one node: leave those at 1.");
  return found / 100;
}

function onOneNode(text: string, nodes: number): string | null {
  const found = words(text);
  if (found !== null && nodes > 1) throw new Wrong("Not for a job on several nodes.");
  return found;
}

function inContainer<T>(form: JobForm, value: T | null): T | null {
  if (value !== null && form.image.trim() === "") throw new Wrong("Only in a container: give an image, too.");
  return value;
}

function codesOf(text: string): number[] {
  return items(text).map((one) => {
    const code = wholeOf(one, 1, 255);
    if (code === null) throw new Wrong("Exit codes, with commas.");
    return code;
  });
}

function afterOf(text: string, kind: JobForm["afterKind"]): AfterRequest[] {
  return items(text).map((job) => {
    if (!/^[0-9A-Za-z_]{4,20}$/.test(job)) throw new Wrong("Ids of jobs, with commas.");
    return { job, kind };
  });
}

function arrayOf(text: string): string | null {
  const found = text.replaceAll(/\s/g, "");
  if (found === "") return null;
  if (!/^\d{1,6}(-\d{1,6})?(,\d{1,6}(-\d{1,6})?)*(%\d{1,6})?$/.test(found)) {
    throw new Wrong("Indices, like 0-9 or 1,3,5-7; 0-99%4 runs no more than 4 at once.");
  }
  return found;
}

function graceOf(text: string): number | null {
  if (text.trim() === "0") return 0;
  const found = durationOf(text);
  if (found !== null && found > 3600) throw new Wrong("An hour at the most.");
  return found;
}

function notifyOf(text: string): string[] {
  return items(text).map((one) => {
    const entry = one.includes(":") ? one : `${one}:end`;
    if (!/^[A-Za-z0-9][\w.-]{0,63}:(end|fail|start)$/.test(entry)) {
      throw new Wrong("Channels, with commas: mail, or mail:fail, mail:start.");
    }
    return entry;
  });
}

function items(text: string): string[] {
  return text.split(/[\s,]+/).filter((one) => one !== "");
}

function words(text: string): string | null {
  const found = text.trim();
  return found === "" ? null : found;
}

function some<T extends object>(found: T): T | null {
  return Object.keys(found).length === 0 ? null : found;
}
