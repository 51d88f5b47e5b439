// Which GPUs the past of one can be drawn beside: all of its node, or another one of the same node or the same model. Pure;
// used by the page of a GPU. It is in the URL: with=all, or with=UUID.
import type { Gpu } from "../../data/shapes";
import type { Beside } from "./past-lines";

export const ALL = "all";
/** Of other nodes, so many can be chosen: a list of a thousand helps nobody. */
const MOST = 100;

type Known = Pick<Gpu, "uuid" | "node" | "index" | "model">;

interface Choice {
  readonly value: string;
  readonly label: string;
}

export function besidesOf(all: readonly Known[], gpu: Known): readonly Choice[] {
  const near = all.filter((one) => one.node === gpu.node && one.uuid !== gpu.uuid);
  const far = all.filter((one) => one.node !== gpu.node && one.model !== null && one.model === gpu.model).slice(0, MOST);
  return [
    { value: "", label: "Nothing" },
    ...(near.length === 0 ? [] : [{ value: ALL, label: `All of ${gpu.node}` }]),
    ...near.map((one) => ({ value: one.uuid, label: `GPU ${one.index}` })),
    ...far.map((one) => ({ value: one.uuid, label: nameOf(one) })),
  ];
}

/** Null: nothing, or all of the node. */
export function besideOf(all: readonly Known[], text: string): Beside | null {
  const found = text === "" || text === ALL ? undefined : all.find((one) => one.uuid === text);
  return found === undefined ? null : { node: found.node, uuid: found.uuid, label: nameOf(found) };
}

function nameOf(one: Known): string {
  return `GPU ${one.index} of ${one.node}`;
}
