// Where on a strip of time a rule would have fired, series by series. Pure. Used by the preview of rules.

import type { Fired, Labels, Preview } from "../../data/alerting";
import { labelsBut } from "./matching";

export const MOST_ROWS = 8;
const LEAST_WIDTH = 0.004; // of the strip: what is shorter could not be seen

export interface Mark {
  readonly left: number;
  readonly width: number;
  readonly fired: Fired;
}

export interface Row {
  readonly where: string;
  readonly marks: readonly Mark[];
  readonly latest: string;
}

export interface Strip {
  readonly rows: readonly Row[];
  /** Series that fired, and have no row. */
  readonly more: number;
  readonly days: readonly { readonly left: number; readonly at: Date }[];
}

/** The series that fired last are first. Places are parts of the whole, 0 to 1. */
export function strip(preview: Preview): Strip {
  const start = Date.parse(preview.since);
  const length = Math.max(1, Date.parse(preview.until) - start);
  const part = (time: string): number => Math.min(1, Math.max(0, (Date.parse(time) - start) / length));
  const rows = new Map<string, { where: string; marks: Mark[]; latest: string }>();
  for (const fired of preview.fired) {
    const where = whereOf(fired.labels);
    const left = part(fired.began);
    const width = Math.max(LEAST_WIDTH, part(fired.ended ?? preview.until) - left);
    const row = rows.get(where) ?? { where, marks: [], latest: fired.began };
    row.marks.push({ left: Math.min(left, 1 - LEAST_WIDTH), width, fired });
    if (fired.began > row.latest) row.latest = fired.began;
    rows.set(where, row);
  }
  const sorted = [...rows.values()].sort((a, b) => (a.latest > b.latest ? -1 : 1));
  return {
    rows: sorted.slice(0, MOST_ROWS),
    more: Math.max(0, sorted.length - MOST_ROWS),
    days: midnights(start, length),
  };
}

/** Which series: "gpu01 · GPU 3", and whatever else tells it from others. */
export function whereOf(labels: Labels): string {
  const { node, gpu, uuid } = labels;
  const rest = Object.entries(labelsBut(labels, "node", "gpu", "uuid", "sku")).map(([label, value]) => `${label}=${value}`);
  const card = gpu !== undefined ? [`GPU ${gpu}`] : uuid !== undefined ? [uuid] : [];
  return [...(node === undefined ? [] : [node]), ...card, ...rest].join(" · ") || "the whole cluster";
}

/** "3 times", "once": how often, as a person says it. */
export function sayTimes(times: number): string {
  return times === 0 ? "not once" : times === 1 ? "once" : times === 2 ? "twice" : `${times} times`;
}

function midnights(start: number, length: number): { left: number; at: Date }[] {
  const found: { left: number; at: Date }[] = [];
  const day = new Date(start);
  day.setHours(24, 0, 0, 0);
  while (day.getTime() < start + length && found.length < 100) {
    found.push({ left: (day.getTime() - start) / length, at: new Date(day) });
    day.setDate(day.getDate() + 1);
  }
  return found;
}
