// Those that wait for the same, told once: a hundred jobs behind one full fleet are one sentence and a hundred lines.
// Used by QueuePage and Waiting. Pure.
import type { Job } from "../../data/shapes";

export interface Row {
  readonly job: Job;
  /** In line, from 1; null: not in line. */
  readonly place: number | null;
}

export interface Group {
  readonly reason: string;
  readonly rows: readonly Row[];
}

/** Of a folded group so many rows are in sight; hiding one or two more would save nothing. */
export const IN_SIGHT = 8;
const SPARE = 2;

/** One group for each reason, in the order in which the first of each is in line. */
export function byReason(rows: readonly Row[]): Group[] {
  const found = new Map<string, Row[]>();
  for (const row of rows) {
    const reason = row.job.reason || "They are looked at in a moment.";
    const those = found.get(reason);
    if (those === undefined) found.set(reason, [row]);
    else those.push(row);
  }
  return [...found].map(([reason, those]) => ({ reason, rows: those }));
}

/** How many rows of a folded group are shown. */
export function inSight(rows: number): number {
  return rows <= IN_SIGHT + SPARE ? rows : IN_SIGHT;
}

/** Those that are in sight while all is folded, first of the line first. */
export function foldedIn(groups: readonly Group[]): Row[] {
  return groups
    .flatMap(({ rows }) => rows.slice(0, inSight(rows.length)))
    .sort((a, b) => (a.place ?? Infinity) - (b.place ?? Infinity));
}
