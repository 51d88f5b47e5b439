// Many events of one kind in a row are one line with a count, which opens: two hundred alerts without data hide nothing
// else then. Pure. Used by EventsPage.
import type { Event } from "../../data/shapes";
import { placeOf, sentenceOf, subjectOf } from "./event";

export interface Line {
  readonly key: string;
  /** The newest of those that it stands for. */
  readonly event: Event;
  /** Those that it stands for, newest first; one: the event itself. */
  readonly of: readonly Event[];
  readonly open: boolean;
}

/** Fewer in a row stay as they are. */
export const MANY = 5;

/**
 * `events` newest first. `open`: the keys of folds whose events are shown below them. A fold is known by its oldest
 * event, so that it stays the same one while newer come.
 */
export function folded(events: readonly Event[], open: ReadonlySet<string>): Line[] {
  const lines: Line[] = [];
  for (let from = 0; from < events.length; ) {
    let to = from + 1;
    while (to < events.length && events[to]?.type === events[from]?.type) to += 1;
    const run = events.slice(from, to);
    const [first, last] = [run[0], run[run.length - 1]];
    from = to;
    if (first === undefined || last === undefined) break;
    const singles = run.map((event): Line => ({ key: String(event.id), event, of: [event], open: false }));
    if (run.length < MANY) lines.push(...singles);
    else {
      const key = `fold ${last.id}`;
      const isOpen = open.has(key);
      lines.push({ key, event: first, of: run, open: isOpen }, ...(isOpen ? singles : []));
    }
  }
  return lines;
}

/** What the events of a fold have in common, or how many different ones there are: "187 subjects". */
export function common(values: readonly string[], plural: string): string {
  const found = new Set(values.filter((value) => value !== ""));
  const [first = ""] = found;
  return found.size <= 1 ? first : `${found.size} ${plural}`;
}

/** The subjects' one page, where it is one. */
export function commonPlace(of: readonly Event[]) {
  const [first] = of;
  const place = first === undefined ? null : placeOf(first);
  return place !== null && of.every((event) => placeOf(event)?.to === place.to) ? place : null;
}

/** What the most of them say, and how many say something else. */
export function said(of: readonly Event[]): string {
  const counts = new Map<string, number>();
  for (const event of of) {
    const words = sentenceOf(event);
    if (words !== "") counts.set(words, (counts.get(words) ?? 0) + 1);
  }
  const [first, ...others] = [...counts].sort((a, b) => b[1] - a[1]);
  if (first === undefined) return "";
  return others.length === 0 ? first[0] : `${first[0]}, and ${others.length} ${others.length === 1 ? "other" : "others"}`;
}

export function subjects(of: readonly Event[]): string {
  return common(of.map(subjectOf), "subjects");
}
