// Whether the controller can be heard: a pure state that moves by what happened. Kept by data/link/link-store.ts, shown by
// the banner and the top bar. What is shown while the link is not "up" is old, and is drawn as such.

export type Link =
  | { readonly kind: "connecting" }
  | { readonly kind: "up"; readonly heardAt: number }
  /** `heardAt` null: never since the page was opened. */
  | { readonly kind: "lost"; readonly since: number; readonly heardAt: number | null };

/** Milliseconds. The controller says something at least every 10 s; two that are missing may be chance, more is not. */
export const PATIENCE = 25_000;

export const START: Link = { kind: "connecting" };

export function afterHearing(_: Link, now: number): Link {
  return { kind: "up", heardAt: now };
}

/** Something broke off or could not be reached. Lost is counted from when it was last heard. */
export function afterBreak(link: Link, now: number): Link {
  if (link.kind === "lost") return link;
  const heardAt = link.kind === "up" ? link.heardAt : null;
  return { kind: "lost", since: heardAt ?? now, heardAt };
}

/** Time went by. */
export function afterWaiting(link: Link, now: number): Link {
  return link.kind === "up" && now - link.heardAt > PATIENCE ? afterBreak(link, now) : link;
}

/** Milliseconds before try number `tries` (from 1), spread by `random` (0 to 1) so that not all come back at once. Never
 *  long: a try costs the controller little, and somebody sits before a page that is old. */
export function pauseBefore(tries: number, random: number): number {
  const most = Math.min(5_000, 500 * 2 ** Math.min(tries - 1, 10));
  return Math.round(most * (0.5 + random / 2));
}
