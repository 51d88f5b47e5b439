// The fields of the submit form, each read into what the API takes for it: null is "not given", an Error says what is
// wrong. Pure. Used by job-form.ts.
import type { AfterRequest } from "../../data/job";
import type { JobForm } from "./job-form";
import { durationOf, linesOf, sizeOf, wholeOf, Wrong } from "./quantities";
import { splitWords } from "./words";

/** As in prlimit(1). */
export const LIMITS: readonly string[] = [
  "as",
  "core",
  "cpu",
  "data",
  "fsize",
  "locks",
  "memlock",
  "msgqueue",
  "nice",
  "nofile",
  "nproc",
  "rss",
  "rtprio",
  "rttime",
  "sigpending",
  "stack",
];

export function commandOf(form: JobForm): string[] {
  if (form.kind === "script") {
    if (form.script.trim() === "") throw new Wrong("What is it to run?");
    return ["bash", "-c", form.script.replaceAll("\r\n", "\n")];
  }
  const found = plainWords(form.command);
  if (found.length === 0) throw new Wrong("What is it to run?");
  return found;
}

export function plainWords(text: string): string[] {
  const split = splitWords(text.trim());
  if ("wrong" in split) throw new Wrong(split.wrong);
  return split.words;
}

export function folder(text: string): string {
  const path = text.trim();
  if (path === "") throw new Wrong("The folder to run in, as its node has it.");
  if (!path.startsWith("/")) throw new Wrong("A whole path: it begins with /.");
  return path;
}

export function shareOf(text: string, gpus: number, nodes: number): number | null {
  const percent = text.trim().replace(/\s*%$/, "");
  if (percent === "") return null;
  const found = Number(percent);
  if (!/^\d+(\.\d)?$/.test(percent) || found < 0.1 || found > 100)
    throw new Wrong("Percent of a GPU, from 0.1 to 100.");
  if (found === 100) return null;
  if (gpus > 1 || nodes > 1) throw new Wrong("A share is of one GPU, on one node: leave those at 1.");
  return found / 100;
}

export function onOneNode(text: string, nodes: number): string | null {
  const found = words(text);
  if (found !== null && nodes > 1) throw new Wrong("Not for a job on several nodes.");
  return found;
}

export function inContainer<T>(form: JobForm, value: T | null): T | null {
  if (value !== null && form.image.trim() === "") throw new Wrong("Only in a container: give an image, too.");
  return value;
}

export function codesOf(text: string): number[] {
  return items(text).map((one) => {
    const code = wholeOf(one, 1, 255);
    if (code === null) throw new Wrong("Exit codes, with commas.");
    return code;
  });
}

export function afterOf(text: string, kind: JobForm["afterKind"]): AfterRequest[] {
  return items(text).map((job) => {
    if (!/^[0-9A-Za-z_]{4,20}$/.test(job)) throw new Wrong("Ids of jobs, with commas.");
    return { job, kind };
  });
}

export function arrayOf(text: string): string | null {
  const found = text.replaceAll(/\s/g, "");
  if (found === "") return null;
  if (!/^\d{1,6}(-\d{1,6})?(,\d{1,6}(-\d{1,6})?)*(%\d{1,6})?$/.test(found)) {
    throw new Wrong("Indices, like 0-9 or 1,3,5-7; 0-99%4 runs no more than 4 at once.");
  }
  return found;
}

export function graceOf(text: string): number | null {
  if (text.trim() === "0") return 0;
  const found = durationOf(text);
  if (found !== null && found > 3600) throw new Wrong("An hour at the most.");
  return found;
}

export function notifyOf(text: string): string[] {
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

export function words(text: string): string | null {
  const found = text.trim();
  return found === "" ? null : found;
}

export function some<T extends object>(found: T): T | null {
  return Object.keys(found).length === 0 ? null : found;
}

/** "027" → 23. */
export function umaskOf(text: string): number | null {
  const found = text.trim();
  if (found === "") return null;
  if (!/^0?[0-7]{3}$/.test(found)) throw new Wrong("Three digits from 0 to 7, like 027.");
  return Number.parseInt(found, 8);
}

/** Lines or words of "nofile=65536", "memlock=64GiB". */
export function limitsOf(text: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const one of linesOf(text.replaceAll(",", "\n"))) {
    const [name = "", value, ...more] = one.split("=").map((part) => part.trim());
    if (value === undefined || more.length > 0) throw new Wrong("Write NAME=N, like nofile=65536.");
    const its = name.toLowerCase();
    if (!LIMITS.includes(its)) throw new Wrong(`There is no limit "${name}": ${LIMITS.join(", ")}.`);
    if (Object.hasOwn(found, its)) throw new Wrong(`${its} is there twice.`);
    const number = value === "0" ? 0 : sizeOf(value);
    if (number === null || number > Number.MAX_SAFE_INTEGER) throw new Wrong(`${its} needs a number, like ${its}=1024.`);
    found[its] = number;
  }
  return found;
}

export function onTerminal(pty: boolean, nodes: number): true | null {
  if (pty && nodes > 1) throw new Wrong("Not for a job on several nodes.");
  return pty ? true : null;
}
