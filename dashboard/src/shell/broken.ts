// What to do about a page that broke. Pure; used by Broken.tsx.

/** Milliseconds: a reload that did not help is not done again within them. */
const APART = 60_000;

/** What browsers say when a part of the dashboard cannot be loaded: after the controller was updated, the old parts are
 *  gone, and the page that is open knows only those. */
const CANNOT_LOAD = /dynamically imported module|importing a module script|unable to preload|loading (css )?chunk/i;

export type Cure =
  /** The parts are there anew after a reload: it is done at once. */
  | "reload"
  /** Nobody answers: a reload would leave nothing at all. */
  | "wait"
  /** It is a fault of the page. */
  | "say";

export function cureOf(message: string, { lost, reloadedAt, now }: { readonly lost: boolean; readonly reloadedAt: number | null; readonly now: number }): Cure {
  if (!CANNOT_LOAD.test(message)) return "say";
  if (lost) return "wait";
  return reloadedAt === null || now - reloadedAt > APART ? "reload" : "say";
}
