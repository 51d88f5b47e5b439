// The events that the page has: put together from pages and the stream, each once, by id. Older ones are looked up in
// windows of ids, for the API lists forwards only.
import type { Event } from "../../data/shapes";

/** At most this many; the oldest are let go of when newer come. */
export const MOST = 5000;

/** `kept` with `more`, oldest first, each id once. */
export function merged(kept: readonly Event[], more: readonly Event[]): readonly Event[] {
  if (more.length === 0) return kept;
  const last = kept[kept.length - 1];
  const inOrder = more.every((event, nth) => event.id > (nth === 0 ? (last?.id ?? 0) : (more[nth - 1]?.id ?? 0)));
  if (inOrder) return [...kept, ...more];
  const byId = new Map([...kept, ...more].map((event) => [event.id, event]));
  return [...byId.values()].sort((a, b) => a.id - b.id);
}

export function newest(kept: readonly Event[]): readonly Event[] {
  return kept.length > MOST ? kept.slice(-MOST) : kept;
}

export interface Page {
  items: readonly Event[];
  next: string | null;
}

const PAGE = 500;
const WINDOW = 2000;

/** Those before `first`, at least one unless there is none; oldest first. `page` lists those after an id. */
export async function before(
  first: number,
  page: (after: number, limit: number) => Promise<Page>,
): Promise<readonly Event[]> {
  for (let width = WINDOW, to = first; to > 0; width *= 4) {
    const from = Math.max(0, to - width);
    const found = await between(from, to, page);
    if (found.length > 0 || from === 0) return found;
    to = from + 1;
  }
  return [];
}

/** The ids above `from`, below `to`. */
async function between(
  from: number,
  to: number,
  page: (after: number, limit: number) => Promise<Page>,
): Promise<readonly Event[]> {
  const found: Event[] = [];
  for (let after = from; ;) {
    const { items, next } = await page(after, PAGE);
    found.push(...items.filter(({ id }) => id < to));
    const last = items[items.length - 1];
    if (next === null || last === undefined || last.id >= to - 1) return found;
    after = last.id;
  }
}
