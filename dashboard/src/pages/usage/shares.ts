// Quotas and fair share: what each user and group has, of what they may. Used by the usage page.
import type { Limits, Standing } from "../../data/had";

/** How much of a limit is had. `part`: 0 to 1 of `of`; null where there is no limit. */
export interface Level {
  had: number;
  of: number | null;
  part: number | null;
  /** "over": above the soft limit, or none is left of the hard one. */
  state: "free" | "within" | "near" | "over";
  soft: number | null;
}

const NEAR = 0.9;

export function levelOf(had: number, hard: number | null, soft: number | null): Level {
  const of = hard ?? soft;
  if (of === null) return { had, of, part: null, state: "free", soft };
  const first = soft ?? of;
  const state = had > first || had >= (hard ?? Infinity) ? "over" : had >= NEAR * first ? "near" : "within";
  return { had, of, part: of <= 0 ? 1 : Math.min(1, had / of), state, soft: hard === null ? null : soft };
}

export interface Share {
  standing: Standing;
  /** 0 to 100. null: nobody has had anything lately. */
  had: number | null;
  /** 0 to 100: its weight, of the weights of all in its scope. */
  due: number | null;
  running: Level;
  hours: Level;
}

/** Those of `scope`; who has had most of what is due to them comes first. */
export function sharesOf(standings: readonly Standing[], scope: Standing["scope"]): Share[] {
  const mine = standings.filter((one) => one.scope === scope);
  const weights = mine.reduce((all, one) => all + one.weight, 0);
  const made = mine.map((standing): Share => {
    const { limits } = standing;
    return {
      standing,
      had: standing.share === null ? null : 100 * standing.share,
      due: weights > 0 ? (100 * standing.weight) / weights : null,
      running: levelOf(standing.running_gpus, limits?.running_gpus ?? null, limits?.running_gpus_soft ?? null),
      hours: levelOf(standing.gpu_hours, limits?.gpu_hours ?? null, limits?.gpu_hours_soft ?? null),
    };
  });
  const over = ({ had, due }: Share) => (had === null || due === null || due === 0 ? 0 : had / due);
  return made.sort((a, b) => over(b) - over(a) || a.standing.name.localeCompare(b.standing.name));
}

/** "at most 8 GPUs at once · 500 GPU-hours in 30 days"; empty where nothing is limited. */
export function sentenceOf(limits: Limits): string {
  const { running_gpus: gpus, running_gpus_soft: softGpus, gpu_hours: hours, gpu_hours_soft: softHours } = limits;
  const parts = [
    gpus === null ? null : `at most ${gpus} GPUs at once`,
    softGpus === null ? null : `above ${softGpus} GPUs only what nobody else wants`,
    limits.queued_jobs === null ? null : `${limits.queued_jobs} jobs in the queue`,
    hours === null ? null : `${hours} GPU-hours in 30 days`,
    softHours === null ? null : `after ${softHours} GPU-hours last in line`,
  ];
  return parts.filter((part) => part !== null).join(" · ");
}
