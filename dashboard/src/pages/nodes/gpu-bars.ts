// The GPUs of a node as small bars: how high, in which manner, and what is said of each. Pure; drawn by GpuBars.

import type { Node, NodeGpu, Sample } from "../../data/node";

export type GpuUse = "free" | "used" | "blocked" | "unknown";

export interface Bar {
  readonly uuid: string;
  readonly index: number;
  /** 0 to 100; null is unknown, which is never drawn as 0. */
  readonly percent: number | null;
  readonly use: GpuUse;
  readonly says: string;
}

/** Null: the node has not told which GPUs it has. `held`: UUIDs that jobs have; null where that is not known yet. */
export function barsOf(node: Node, held: ReadonlySet<string> | null): readonly Bar[] | null {
  if (node.gpus === null) return null;
  const samples = new Map((node.samples ?? []).map((one) => [one.uuid, one]));
  return [...node.gpus]
    .sort((a, b) => a.index - b.index)
    .map((gpu) => barOf(node, gpu, samples.get(gpu.uuid), held));
}

function barOf(node: Node, gpu: NodeGpu, sample: Sample | undefined, held: ReadonlySet<string> | null): Bar {
  const use = manner(node, gpu, held);
  const percent = sample?.utilization_percent ?? null;
  const busy = percent === null ? "utilisation unknown" : `${Math.round(percent)} % busy`;
  const why = use === "blocked" && gpu.blocked !== null ? `blocked: ${gpu.blocked.why}` : WORDS[use];
  return { uuid: gpu.uuid, index: gpu.index, percent, use, says: `GPU ${gpu.index}: ${busy}, ${why}` };
}

const WORDS: Record<GpuUse, string> = {
  free: "free",
  used: "a job has it",
  blocked: "blocked",
  unknown: "whether it is free is unknown",
};

function manner(node: Node, gpu: NodeGpu, held: ReadonlySet<string> | null): GpuUse {
  if (node.state !== "up") return "unknown";
  if (held?.has(gpu.uuid)) return "used";
  if (gpu.blocked !== null) return gpu.blocked.kind === "unknown" ? "unknown" : "blocked";
  return held === null ? "unknown" : "free";
}

/** Null: not known of any; those of which it is unknown are not counted. */
export function freeCount(bars: readonly Bar[] | null): number | null {
  if (bars === null || (bars.length > 0 && bars.every((bar) => bar.use === "unknown"))) return null;
  return bars.filter((bar) => bar.use === "free").length;
}

/** "3 of 8 free", for those who cannot see the bars, and for narrow screens. */
export function freeOf(bars: readonly Bar[] | null): string {
  if (bars === null) return "unknown";
  if (bars.length === 0) return "none";
  const unknown = bars.filter((bar) => bar.use === "unknown").length;
  const free = bars.filter((bar) => bar.use === "free").length;
  const of = `${free} of ${bars.length} free`;
  return unknown === bars.length ? `${bars.length}, use unknown` : unknown > 0 ? `${of}, ${unknown} unknown` : of;
}

/** "8 × NVIDIA H100 80GB HBM3", the most frequent first. */
export function modelsOf(node: Node): string {
  if (node.gpus === null) return "unknown";
  const counts = new Map<string, number>();
  for (const gpu of node.gpus) {
    const model = gpu.model ?? "unknown model";
    counts.set(model, (counts.get(model) ?? 0) + 1);
  }
  if (counts.size === 0) return "none";
  return [...counts]
    .sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]))
    .map(([model, count]) => `${count} × ${model}`)
    .join(", ");
}
