// What somebody opened last from the palette: kept in this browser, for each user apart. Used by Palette.tsx.

export interface Recent {
  readonly title: string;
  readonly note: string;
  readonly to: string;
}

const MOST = 5;
const keyOf = (user: string) => `sentinel.recent.${user}`;

/** The newest first, each once. Pure. */
export function withRecent(before: readonly Recent[], opened: Recent): readonly Recent[] {
  return [opened, ...before.filter(({ to }) => to !== opened.to)].slice(0, MOST);
}

/** What is kept may be of another version, or nonsense. Pure. */
export function recentIn(text: string | null): readonly Recent[] {
  try {
    const found = JSON.parse(text ?? "[]") as unknown;
    return Array.isArray(found) ? found.filter(isRecent).slice(0, MOST) : [];
  } catch {
    return [];
  }
}

function isRecent(one: unknown): one is Recent {
  if (typeof one !== "object" || one === null) return false;
  const { title, note, to } = one as Partial<Record<keyof Recent, unknown>>;
  // An address of this dashboard, and no other.
  return typeof title === "string" && typeof note === "string" && typeof to === "string" && /^\/(?!\/)/.test(to);
}

export function readRecent(user: string): readonly Recent[] {
  try {
    return recentIn(localStorage.getItem(keyOf(user)));
  } catch {
    return [];
  }
}

export function keepRecent(user: string, opened: Recent): void {
  try {
    localStorage.setItem(keyOf(user), JSON.stringify(withRecent(readRecent(user), opened)));
  } catch {
    // Where nothing may be kept, nothing is.
  }
}
