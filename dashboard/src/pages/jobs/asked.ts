// What a job was asked to be, as lines of words: what everybody wants to know first, and what is as usual left out. Pure.
// Used by the job page.
import { gpusInWords } from "../../data/job";
import type { Spec } from "../../data/shapes";
import { durationText, octal, sizeText, USUAL_UMASK } from "./job-again";
import { joinWords } from "./words";

export interface Line {
  readonly name: string;
  readonly value: string;
  /** To be shown as it would be typed. */
  readonly code: boolean;
}

const IF_LOST = {
  requeue: "",
  keep: "never queued again by itself",
  fence: "ended by its node, then queued again",
} as const;

export function asked(spec: Spec): Line[] {
  const lines: (readonly [name: string, value: string, code?: boolean])[] = [
    ["Command", joinWords(spec.command), true],
    ["Folder", spec.cwd, true],
    ["GPUs", gpusInWords(spec)],
    ["GPU memory", spec.gpu_memory_bytes === null ? "" : `at least ${sizeText(spec.gpu_memory_bytes)} each`],
    ["CPUs", spec.cpus === null ? "" : String(spec.cpus)],
    ["Memory", sizeText(spec.memory_bytes)],
    ["Only on", spec.node ?? ""],
    ["Time limit", spec.time_limit === null ? "none" : durationText(spec.time_limit)],
    ["Priority", spec.priority === 0 ? "" : String(spec.priority)],
    ["Makes room", spec.preemptible ? "for jobs of higher priority" : ""],
    ["Checkpoint", joinWords(spec.checkpoint), true],
    ["Retries", spec.retries === 0 ? "" : retries(spec)],
    ["One at a time", spec.singleton ? "waits for earlier jobs of its name" : ""],
    ["Image", spec.image ?? "", true],
    ["Engine", spec.engine ?? ""],
    ["Mounts", spec.mounts.join("\n"), true],
    ["Before it", spec.setup.join("\n"), true],
    ["If lost", IF_LOST[spec.if_lost]],
    ["Stopped by", spec.stop_signal === "TERM" ? "" : `SIG${spec.stop_signal}`],
    ["Grace", spec.grace === 30 ? "" : spec.grace === 0 ? "none" : durationText(spec.grace)],
    ["Limits", Object.entries(spec.limits).map(([name, value]) => `${name} ${value}`).join(", ")],
    ["Umask", spec.umask === USUAL_UMASK ? "" : octal(spec.umask), true],
    ["Terminal", spec.pty ? "one of its own" : ""],
    ["Tells", spec.notify.join(", ")],
  ];
  return lines.filter(([, value]) => value !== "").map(([name, value, code = false]) => ({ name, value, code }));
}

function retries(spec: Spec): string {
  const codes = spec.retry_codes.length === 0 ? "" : ` after exit code ${spec.retry_codes.join(", ")}`;
  return `${spec.retries}${codes}`;
}
