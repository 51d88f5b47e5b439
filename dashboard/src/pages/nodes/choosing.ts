// Which nodes a filter leaves, and in which order. Pure; used by the page of nodes.
import type { Node } from "../../data/node";
import { byNeed, wordOf } from "./node-state";

const STATES = [
  ["", "Any state"],
  ["up", "Up"],
  ["draining", "Draining"],
  ["drained", "Drained"],
  ["silent", "Silent"],
  ["dead", "Dead"],
  ["strays", "With what was not queued"],
  ["blocked", "With blocked GPUs"],
] as const;

/** What can be asked for, each with how many there are. */
export function statesOf(nodes: readonly Node[]): { readonly value: string; readonly label: string }[] {
  return STATES.map(([value, label]) => ({ value, label: `${label} (${nodes.filter((node) => ofState(node, value)).length})` }));
}

/** Those in which each word of `text` is found, and of that state, those that need somebody first. */
export function chosenNodes(nodes: readonly Node[], text: string, state: string): readonly Node[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return nodes
    .filter((node) => ofState(node, state) && words.every((word) => haystackOf(node).includes(word)))
    .sort(byNeed);
}

function ofState(node: Node, state: string): boolean {
  if (state === "strays") return node.strays.length > 0;
  if (state === "blocked") return (node.gpus ?? []).some((gpu) => gpu.blocked !== null);
  return state === "" || wordOf(node) === state;
}

function haystackOf(node: Node): string {
  const gpus = (node.gpus ?? []).flatMap((gpu) => [gpu.uuid, gpu.model ?? "", gpu.blocked?.why ?? ""]);
  const strays = node.strays.flatMap((one) => [one.name ?? "", one.user ?? ""]);
  return [node.name, node.address, node.drained?.by ?? "", node.drained?.why ?? "", ...node.jobs, ...gpus, ...strays]
    .join("\n")
    .toLowerCase();
}
