// What somebody began to write and has not saved, kept for this tab: who leaves the page finds it again. Nothing secret
// is put here. Used by the page Routes.

const PREFIX = "sentinel draft ";

export interface Kept<T> {
  readonly draft: T;
  /** What was there when it was begun. */
  readonly base: string;
}

export function kept<T>(name: string, storage: Pick<Storage, "getItem"> = sessionStorage): Kept<T> | null {
  try {
    const found = JSON.parse(storage.getItem(PREFIX + name) ?? "null") as Kept<T> | null;
    return found !== null && typeof found.base === "string" && typeof found.draft === "object" ? found : null;
  } catch {
    return null; // a browser that keeps nothing, or half of it: then there is no draft
  }
}

export function keep<T>(name: string, kept: Kept<T> | null, storage: Pick<Storage, "setItem" | "removeItem"> = sessionStorage): void {
  try {
    if (kept === null) storage.removeItem(PREFIX + name);
    else storage.setItem(PREFIX + name, JSON.stringify(kept));
  } catch {
    // Full or forbidden: leaving asks all the same.
  }
}
