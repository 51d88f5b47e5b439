// How it is marked who has a GPU. Used by the page of a workstation and by a node's table of GPUs.
import type { Holder } from "./story";

export const MARKS = {
  free: { tone: "ok", shape: "ring" },
  job: { tone: "busy", shape: "dot" },
  lent: { tone: "busy", shape: "dot" },
  service: { tone: "ok", shape: "dot" },
  workload: { tone: "warn", shape: "dot" },
  blocked: { tone: "warn", shape: "bar" },
  unknown: { tone: "unknown", shape: "hatch" },
} as const satisfies Readonly<Record<Holder["kind"], unknown>>;
