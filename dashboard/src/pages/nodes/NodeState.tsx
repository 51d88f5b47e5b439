// The state of a node as a badge, with a sentence for whoever hovers. Used by the table and the page of nodes.
import { StatusBadge } from "../../components/StatusBadge";
import type { Node } from "../../data/node";
import { sentenceOf, wordOf, type NodeWord } from "./node-state";

const TONES: Readonly<Record<NodeWord, "ok" | "warn" | "bad" | "unknown" | "info">> = {
  up: "ok",
  draining: "warn",
  drained: "warn",
  silent: "unknown",
  dead: "bad",
};

export function NodeState({ node }: { readonly node: Node }) {
  const word = wordOf(node);
  return (
    <span title={sentenceOf(node)}>
      <StatusBadge status={TONES[word]}>{word}</StatusBadge>
    </span>
  );
}
