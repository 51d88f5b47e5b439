// Which machines joined since a dialog was opened. Pure; used by JoinDialog.
import type { Node } from "../../data/node";

/** Names of nodes that were not there before, sorted. `before` null: it is not known yet who was. */
export function newcomers(before: ReadonlySet<string> | null, now: readonly Node[]): readonly string[] {
  if (before === null) return [];
  return now
    .filter((node) => !before.has(node.id))
    .map((node) => node.name)
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}
