// All nodes in one line: "129 nodes: 127 up, 1 draining, 1 silent". Pure; used by the page of nodes.
import type { Node } from "../../data/node";
import { wordOf, type NodeWord } from "./node-state";

const ORDER: readonly NodeWord[] = ["up", "draining", "drained", "silent", "dead"];

export function summaryOf(nodes: readonly Node[]): string {
  const counts = new Map<NodeWord, number>();
  for (const node of nodes) counts.set(wordOf(node), (counts.get(wordOf(node)) ?? 0) + 1);
  const parts = ORDER.filter((word) => counts.has(word)).map((word) => `${counts.get(word) ?? 0} ${word}`);
  return `${nodes.length} ${nodes.length === 1 ? "node" : "nodes"}: ${parts.join(", ")}`;
}
