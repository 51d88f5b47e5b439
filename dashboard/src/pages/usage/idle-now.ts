// Jobs whose GPUs compute nothing just now: where what was wasted can still be saved. Pure. Used by IdleNow.
import type { Fleet } from "../../data/fleet/fleet";

export interface IdleJob {
  readonly job: string;
  readonly owner: string | null;
  readonly node: string;
  /** GPUs of it that compute nothing, and all of its own. */
  readonly idle: number;
  readonly gpus: number;
}

/** Percent, as in the reports: at or below it a GPU computes nothing. */
const IDLE = 5;

/** Those that leave most idle first. A GPU whose load is not known is not called idle. */
export function idleNow({ gpus, nodes }: Pick<Fleet, "gpus" | "nodes">): IdleJob[] {
  const found = new Map<string, IdleJob>();
  gpus.job.forEach((job, row) => {
    if (job === null || gpus.state[row] !== "leased") return;
    const util = gpus.util[row] ?? null;
    const one = found.get(job);
    found.set(job, {
      job,
      owner: gpus.owner[row] ?? null,
      node: one?.node ?? nodes[gpus.node[row] ?? -1]?.name ?? "",
      idle: (one?.idle ?? 0) + (util !== null && util <= IDLE ? 1 : 0),
      gpus: (one?.gpus ?? 0) + 1,
    });
  });
  return [...found.values()].filter(({ idle }) => idle > 0).sort((a, b) => b.idle - a.idle || a.job.localeCompare(b.job));
}
