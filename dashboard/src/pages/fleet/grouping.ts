// How the GPUs of the fleet are put together: by node, model or who has them. Pure; used by FleetPage.tsx.
import { compare } from "../../components/table/columns";
import type { Group } from "../../components/heat/HeatMap";
import type { Fleet } from "../../data/fleet/fleet";

export const BY = ["node", "model", "user"] as const;
export type By = (typeof BY)[number];

const NOBODY = "nobody";
const UNKNOWN = "unknown";

type Known = Pick<Fleet, "nodes"> & { readonly gpus: Pick<Fleet["gpus"], "node" | "model" | "owner" | "state"> };

/** Rows in groups; those of a node stay in the node's order. What nobody has comes last. `rows` null: all. */
export function groupsOf({ nodes, gpus }: Known, by: By, rows: readonly number[] | null = null): readonly Group[] {
  const found = new Map<string, number[]>();
  const count = rows === null ? gpus.node.length : rows.length;
  for (let nth = 0; nth < count; nth += 1) {
    const row = rows === null ? nth : (rows[nth] ?? 0);
    const key = keyOf(nodes, gpus, by, row);
    const cells = found.get(key);
    if (cells === undefined) found.set(key, [row]);
    else cells.push(row);
  }
  const groups = [...found].map(([key, cells]): Group => ({ key, label: key, cells, ...noteOf(nodes[gpus.node[cells[0] ?? 0] ?? -1], by, cells) }));
  if (by === "node") return groups;
  const last = (group: Group) => (group.key === NOBODY ? 1 : group.key === UNKNOWN ? 2 : 0);
  return groups.sort((one, other) => last(one) - last(other) || other.cells.length - one.cells.length || compare(one.key, other.key));
}

function keyOf(nodes: Known["nodes"], gpus: Known["gpus"], by: By, row: number): string {
  if (by === "node") return nodes[gpus.node[row] ?? -1]?.name ?? UNKNOWN;
  if (by === "model") return gpus.model[row] ?? UNKNOWN;
  return gpus.owner[row] ?? (gpus.state[row] === "unknown" ? UNKNOWN : NOBODY);
}

function noteOf(node: Known["nodes"][number] | undefined, by: By, cells: readonly number[]): { note?: string } {
  if (by !== "node") return { note: String(cells.length) };
  if (node === undefined || (node.state === "up" && node.drained === null)) return {};
  return { note: node.state === "up" ? "drained" : node.state };
}
