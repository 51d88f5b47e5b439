// Which GPUs a filter leaves on the map. Pure; used by FleetPage.tsx. The filter is in the address:
// /?model=…&owner=…&state=free
import { compare } from "../../components/table/columns";
import type { FleetGpus } from "../../data/fleet/fleet";

export interface Wanted {
  readonly model: string;
  readonly owner: string;
  readonly state: string;
}

export const ALL: Wanted = { model: "", owner: "", state: "" };

export const STATES = [
  ["", "Any state"],
  ["free", "Free"],
  ["leased", "In use"],
  ["blocked", "Blocked"],
  ["unknown", "Unknown"],
  ["ill", "Ill"],
] as const;

/** For what is not known, where a name is asked for. */
export const UNKNOWN = "(unknown)";

/** Rows that are wanted; null: all of them. */
export function chosenRows(gpus: Pick<FleetGpus, "model" | "owner" | "state" | "health">, { model, owner, state }: Wanted): readonly number[] | null {
  if (model === "" && owner === "" && state === "") return null;
  const rows: number[] = [];
  for (let row = 0; row < gpus.state.length; row += 1) {
    if (model !== "" && (gpus.model[row] ?? UNKNOWN) !== model) continue;
    if (owner !== "" && (gpus.owner[row] ?? UNKNOWN) !== owner) continue;
    if (state === "ill" ? !isIll(gpus.health[row]) : state !== "" && gpus.state[row] !== state) continue;
    rows.push(row);
  }
  return rows;
}

function isIll(health: FleetGpus["health"][number] | undefined): boolean {
  return health === "critical" || health === "warning";
}

/** What a filter can be set to: what there is, and what it is set to though it is gone. */
export function choicesOf(column: readonly (string | null)[], set: string): readonly string[] {
  const found = new Set(column.map((value) => value ?? UNKNOWN));
  if (set !== "") found.add(set);
  return [...found].sort(compare);
}
