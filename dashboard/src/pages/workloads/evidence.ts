// Why we say what we say of a workload: pieces of evidence in words. Pure; used by the page of workloads.

import type { Evidence, Trust, Workload } from "../../data/workload";
import { indicesText } from "./inventory";

const TRUST: Readonly<Record<Trust, readonly [string, string]>> = {
  kernel: ["kernel", "The kernel or the driver says so: hard to forge"],
  runtime: ["engine", "The container engine enforces it"],
  declared: ["declared", "Whoever started it wrote this as they liked: it may be wrong"],
};

/** A word for who vouches for it, and what that is worth. */
export function trustWords(trust: Trust): readonly [string, string] {
  return TRUST[trust];
}

/** The kinds of evidence that it has, the hardest to forge first. */
export function trustsOf(one: Workload): readonly Trust[] {
  const found = new Set([...one.user_evidence, ...one.origin_evidence, ...one.gpu_evidence].map(({ trust }) => trust));
  return (Object.keys(TRUST) as Trust[]).filter((trust) => found.has(trust));
}

const SOURCES: Readonly<Record<string, string>> = {
  "process-uid": "user of its process",
  "login-uid": "user who logged in",
  cgroup: "its control group",
};

/** Where it was read, in words. */
export function sourceWords(source: string): string {
  const known = SOURCES[source];
  if (known !== undefined) return known;
  const [kind, name] = source.split(/:(.*)/s);
  if (name !== undefined && name !== "") {
    if (kind === "label") return `label ${name}`;
    if (kind === "env") return `environment ${name}`;
  }
  return source;
}

const NONE = "Its node sent no evidence.";

export interface Question {
  readonly question: string;
  readonly answer: string | null;
  readonly evidence: readonly Evidence[];
  /** What is said where no evidence was sent. */
  readonly none: string;
}

/** What one may ask of a workload, what we say, and by what. The first piece decided. */
export function questionsOf(one: Workload): readonly Question[] {
  const which = indicesText(one.gpu_indices);
  const gpus = which === null ? (one.gpus === null ? null : `${one.gpus.length}`) : which === "" ? "none" : which;
  return [
    {
      question: "Whose is it?",
      answer: one.user,
      evidence: one.user_evidence,
      none: one.user === null ? "Nothing tells." : NONE,
    },
    { question: "How was it started?", answer: originWords(one.origin), evidence: one.origin_evidence, none: NONE },
    { question: "Which GPUs has it?", answer: gpus, evidence: one.gpu_evidence, none: NONE },
  ];
}

const ORIGINS: Readonly<Record<string, string>> = {
  "sentinel-managed": "Sentinel",
  "ds01-managed": "DS01",
  "docker-compose": "Docker Compose",
  devcontainer: "dev container",
  kubernetes: "Kubernetes",
  slurm: "Slurm",
  podman: "Podman",
  "raw-docker": "Docker",
  "host-process": "on the machine itself",
  system: "the system",
  unknown: "unknown",
};

export function originWords(origin: string): string {
  return ORIGINS[origin] ?? origin;
}
