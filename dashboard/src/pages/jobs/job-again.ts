// The submit form filled from a job that there was, and from what the controller says would let one begin now. Pure;
// used by the submit page. The job's environment is its owner's alone, so it comes apart.
import type { Change } from "../../data/job";
import type { Spec } from "../../data/shapes";
import { EMPTY, SIGNALS, type JobForm } from "./job-form";
import { joinWords } from "./words";

export const USUAL_UMASK = 0o022;

export function formOf(spec: Spec, environment: Readonly<Record<string, string>> = {}): JobForm {
  const script = spec.command.length === 3 && spec.command[0] === "bash" && spec.command[1] === "-c";
  return {
    ...EMPTY,
    kind: script ? "script" : "command",
    command: script ? "" : joinWords(spec.command),
    script: script ? (spec.command[2] ?? "") : "",
    cwd: spec.cwd,
    name: spec.name,
    gpus: String(spec.gpus),
    nodes: String(spec.nodes),
    share: spec.gpu_milli < 1000 ? String(spec.gpu_milli / 10) : "",
    gpuModel: spec.gpu_model ?? "",
    gpuMemory: sizeText(spec.gpu_memory_bytes),
    cpus: spec.cpus === null ? "" : String(spec.cpus),
    memory: sizeText(spec.memory_bytes),
    node: spec.node ?? "",
    timeLimit: durationText(spec.time_limit),
    priority: spec.priority === 0 ? "" : String(spec.priority),
    preemptible: spec.preemptible,
    checkpoint: joinWords(spec.checkpoint),
    retries: spec.retries === 0 ? "" : String(spec.retries),
    retryCodes: spec.retry_codes.join(", "),
    singleton: spec.singleton,
    image: spec.image ?? "",
    engine: spec.engine ?? "",
    mounts: spec.mounts.join("\n"),
    setup: spec.setup.join("\n"),
    environment: Object.entries(environment)
      .filter(([, value]) => !value.includes("\n"))
      .map(([name, value]) => `${name}=${value}`)
      .join("\n"),
    ifLost: spec.if_lost,
    grace: spec.grace === 30 ? "" : spec.grace === 0 ? "0" : durationText(spec.grace),
    stopSignal: SIGNALS.find((one) => one === spec.stop_signal) ?? "TERM",
    umask: spec.umask === USUAL_UMASK ? "" : octal(spec.umask),
    limits: Object.entries(spec.limits)
      .map(([name, value]) => `${name}=${value}`)
      .join("\n"),
    pty: spec.pty,
    notify: spec.notify.join(", "),
  };
}

/** The form with what a suggestion would have other; null where it is about nothing that the form has. */
export function changed(form: JobForm, change: Change["change"]): JobForm | null {
  const found = { ...form };
  let known = false;
  for (const [field, value] of Object.entries(change)) {
    const number = typeof value === "number" ? value : null;
    const text = typeof value === "string" ? value : "";
    if (field === "gpus" && number !== null) found.gpus = String(number);
    else if (field === "nodes" && number !== null) found.nodes = String(number);
    else if (field === "cpus") found.cpus = number === null ? "" : String(number);
    else if (field === "gpu_model") found.gpuModel = text;
    else if (field === "node") found.node = text;
    else if (field === "gpu_memory_bytes") found.gpuMemory = sizeText(number);
    else if (field === "memory_bytes") found.memory = sizeText(number);
    else if (field === "time_limit") found.timeLimit = durationText(number);
    else return null;
    known = true;
  }
  return known ? found : null;
}

/** 23 → "027". */
export function octal(umask: number): string {
  return umask.toString(8).padStart(3, "0");
}

/** As `sizeOf` reads it back, to the byte. */
export function sizeText(bytes: number | null): string {
  if (bytes === null) return "";
  for (const [power, unit] of [
    [40, "TiB"],
    [30, "GiB"],
    [20, "MiB"],
    [10, "KiB"],
  ] as const) {
    if (bytes % 2 ** power === 0) return `${bytes / 2 ** power}${unit}`;
  }
  return String(bytes);
}

/** As `durationOf` reads it back. */
export function durationText(seconds: number | null): string {
  if (seconds === null) return "";
  if (!Number.isInteger(seconds)) return `${seconds}s`;
  let rest = seconds;
  const parts: string[] = [];
  for (const [size, unit] of [
    [86_400, "d"],
    [3600, "h"],
    [60, "m"],
    [1, "s"],
  ] as const) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.join(" ");
}
