// Reservations as the queue shows them: which still matter, and in which words. Pure. Used by Reservations.
import type { components } from "../../data/api.gen";

export type Reservation = components["schemas"]["ReservationShape"];

/** Those that are not over, the next one first. `now`: epoch milliseconds. */
export function standing(all: readonly Reservation[], now: number): Reservation[] {
  return all
    .filter(({ end }) => !(Date.parse(end) <= now))
    .sort((a, b) => Date.parse(a.start) - Date.parse(b.start) || a.name.localeCompare(b.name));
}

/** "for lena and 2 more", "for nobody: maintenance". */
export function forWhom({ kind, users, groups }: Pick<Reservation, "kind" | "users" | "groups">): string {
  if (kind === "maintenance") return "for nobody: maintenance";
  return `for ${some([...users, ...groups.map((group) => `group ${group}`)], 3)}`;
}

/** "all nodes", "a, b and 4 more". */
export function whichNodes({ nodes }: Pick<Reservation, "nodes">): string {
  return nodes.length === 0 ? "all nodes" : some(nodes, 3);
}

function some(names: readonly string[], most: number): string {
  if (names.length === 0) return "nobody";
  if (names.length <= most) {
    const last = names[names.length - 1] ?? "";
    return names.length === 1 ? last : `${names.slice(0, -1).join(", ")} and ${last}`;
  }
  return `${names.slice(0, most - 1).join(", ")} and ${names.length - most + 1} more`;
}
