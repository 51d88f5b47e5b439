// The part of the past that charts show, as the URL holds it. Pure; used by the pages of nodes and GPUs.
//
//   range=6h                 the last six hours, moving on with now
//   range=1795716600-1795720200   from, to: epoch seconds; it stands still
//   compare=before | day | week   and the same length of time before, drawn beneath

export const SPANS = [
  ["15m", 900, "15 min"],
  ["1h", 3600, "1 h"],
  ["6h", 21_600, "6 h"],
  ["24h", 86_400, "24 h"],
  ["7d", 604_800, "7 d"],
  ["30d", 2_592_000, "30 d"],
] as const;

export const COMPARES = [
  ["", "Nothing"],
  ["before", "The time before"],
  ["day", "A day earlier"],
  ["week", "A week earlier"],
] as const;

export interface TimeRange {
  /** Of SPANS; null: a range that stands still. */
  readonly span: string | null;
  readonly start: number;
  readonly end: number;
}

const DEFAULT = "6h";
const SHORTEST = 60;

/** What that text means at `now` (epoch seconds). What it cannot be is the default. */
export function rangeOf(text: string, now: number): TimeRange {
  const fixed = /^(\d{1,12})-(\d{1,12})$/.exec(text);
  if (fixed !== null) {
    const [start, end] = [Number(fixed[1]), Number(fixed[2])];
    if (end - start >= SHORTEST && start < now) return { span: null, start, end: Math.min(end, Math.ceil(now)) };
  }
  const span = SPANS.find(([word]) => word === text) ?? SPANS.find(([word]) => word === DEFAULT);
  const [word, seconds] = span ?? SPANS[2];
  return { span: word, start: now - seconds, end: now };
}

/** A range that somebody drew with the mouse; at least a minute long. */
export function fixedText(start: number, end: number): string {
  const from = Math.floor(Math.min(start, end));
  return `${from}-${Math.max(Math.ceil(Math.max(start, end)), from + SHORTEST)}`;
}

/** By how many seconds the compared time lies before; null: nothing is compared. */
export function shiftOf(compare: string, range: TimeRange): number | null {
  if (compare === "before") return range.end - range.start;
  if (compare === "day") return 86_400;
  if (compare === "week") return 604_800;
  return null;
}

/** How long each point is: about 300 of them, in steps that history keeps. */
export function stepOf(range: TimeRange): number {
  const wanted = (range.end - range.start) / 300;
  return [10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10_800].find((step) => step >= wanted) ?? 21_600;
}

/** A moment as `<input type="datetime-local">` has it, in the reader's time zone: "2026-11-26T21:35". */
export function localText(seconds: number): string {
  const date = new Date(seconds * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** What somebody typed as the beginning and the end, as the URL has it; or what is wrong with it, in words. */
export function typedRange(from: string, to: string, now: number): { readonly text: string } | { readonly wrong: string } {
  const [start, end] = [Date.parse(from) / 1000, Date.parse(to) / 1000];
  if (!Number.isFinite(start) || !Number.isFinite(end)) return { wrong: "Both need a day and a time." };
  if (end <= start) return { wrong: "The end has to be after the beginning." };
  if (start >= now) return { wrong: "The beginning is in the future: nothing was measured there yet." };
  return { text: fixedText(start, end) };
}
