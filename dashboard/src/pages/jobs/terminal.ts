// The command that would submit the same from a terminal, for who wants it in a script or in their history. Pure. Used by
// the submit page.
import type { JobBody } from "../../data/job";
import { octal, sizeText, USUAL_UMASK } from "./job-again";
import { joinWords } from "./words";

/** In which the variables are expected: their values stand in no list of arguments, which everybody on a machine can read. */
export const VARIABLES = "job.env";

type Part = readonly [option: string, value: string | number | null | undefined];

/** An option a line. */
export function inTerminal(body: JobBody): string {
  const variables = Object.keys(body.environment ?? {}).length > 0;
  const parts: readonly Part[] = [
    ["--cwd", body.cwd],
    ["--name", body.name],
    ["--gpus", body.gpus === 1 ? null : body.gpus],
    ["--nodes", body.nodes === 1 ? null : body.nodes],
    ["--gpu-share", body.gpu_share],
    ["--gpu-model", body.gpu_model],
    ["--gpu-memory", size(body.gpu_memory_bytes)],
    ["--cpus", body.cpus],
    ["--memory", size(body.memory_bytes)],
    ["--node", body.node],
    ["--time-limit", time(body.time_limit)],
    ["--priority", body.priority],
    ...(body.after ?? []).map((one): Part => ["--after", one.kind === "any" || one.kind === "notok" ? `${one.kind}:${one.job}` : one.job]),
    ["--array", body.array],
    ["--singleton", flag(body.singleton)],
    // Here nothing is taken along but what the form says.
    ["--no-env", ""],
    ["--env-file", variables ? VARIABLES : null],
    ...(body.setup ?? []).map((line): Part => ["--setup", line]),
    ["--image", body.image],
    ["--engine", body.engine],
    ...(body.mounts ?? []).map((one): Part => ["--mount", one]),
    ["--umask", octal(body.umask ?? USUAL_UMASK)],
    ...Object.entries(body.limits ?? {}).map(([name, value]): Part => ["--limit", `${name}=${value}`]),
    ["--pty", flag(body.pty)],
    ["--retries", body.retries],
    ["--retry-on", body.retry_codes?.join(",")],
    ["--preemptible", flag(body.preemptible)],
    ["--checkpoint", body.checkpoint === undefined ? null : joinWords(body.checkpoint)],
    ["--stop-signal", body.stop_signal],
    ["--grace", body.grace === 0 ? "0" : time(body.grace)],
    ["--if-lost", body.if_lost],
    ...(body.notify ?? []).map((one): Part => ["--notify", one]),
  ];
  const given = parts.flatMap(([option, value]) =>
    value === null || value === undefined ? [] : value === "" ? [option] : [`${option} ${joinWords([String(value)])}`],
  );
  return ["sentinel job submit", ...given, `-- ${joinWords(body.command)}`].join(" \\\n  ");
}

function size(bytes: number | null | undefined): string | null {
  return bytes === null || bytes === undefined ? null : sizeText(bytes);
}

/** In one unit: the command line adds none up. */
function time(seconds: number | null | undefined): string | null {
  if (seconds === null || seconds === undefined) return null;
  if (seconds > 0 && seconds % 3600 === 0) return `${seconds / 3600}h`;
  return seconds > 0 && seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}

function flag(given: boolean | undefined): "" | null {
  return given === true ? "" : null;
}
