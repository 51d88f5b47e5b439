// What is said before something is done to a node, and how it is done. Used by NodeDialog.
import { ask, call } from "../../data/ask";
import type { Node } from "../../data/node";
import type { NodeAction } from "./node-state";

export interface Deed {
  /** On the button and in the menu. */
  readonly word: string;
  readonly title: (node: Node) => string;
  /** What will come of it. */
  readonly means: (node: Node) => string;
  /** "needed": nothing is done without a reason; "none": none is asked for. */
  readonly why: "wanted" | "needed" | "none";
  /** It cannot be taken back: the name is to be typed. */
  readonly final: boolean;
  readonly act: (node: Node, why: string) => Promise<unknown>;
}

export const DEEDS: Readonly<Record<NodeAction, Deed>> = {
  drain: {
    word: "Drain",
    title: (node) => `Drain ${node.name}?`,
    means: (node) =>
      node.jobs.length === 0
        ? "No new job starts there until it is resumed. None runs there now."
        : `No new job starts there until it is resumed. ${jobsOf(node)} there now, and will go on.`,
    why: "wanted",
    final: false,
    act: (node, why) => call("post", "/api/v1/nodes/{name}/drain", { path: { name: node.name }, body: { why } }),
  },
  resume: {
    word: "Resume",
    title: (node) => `Resume ${node.name}?`,
    means: () => "Jobs may start there again, at once.",
    why: "none",
    final: false,
    act: (node) => ask("post", "/api/v1/nodes/{name}/resume", { path: { name: node.name } }),
  },
  "declare-dead": {
    word: "Declare dead",
    title: (node) => `Declare ${node.name} dead?`,
    means: (node) =>
      "You say that nothing runs on it any more" +
      (node.jobs.length === 0 ? "." : `: ${jobsHeld(node)} will be queued again, and may start elsewhere.`) +
      " Be sure that it is off: if its jobs do still run, they run twice.",
    why: "needed",
    final: true,
    act: (node, why) =>
      ask("post", "/api/v1/nodes/{name}/declare-dead", { path: { name: node.name }, body: { why } }),
  },
  remove: {
    word: "Remove",
    title: (node) => `Remove ${node.name}?`,
    means: () => "It is forgotten, and its certificate opens nothing any more. To come back it has to join again.",
    why: "none",
    final: true,
    act: (node) => ask("delete", "/api/v1/nodes/{name}", { path: { name: node.name } }),
  },
};

function jobsOf(node: Node): string {
  return node.jobs.length === 1 ? "One job runs" : `${node.jobs.length} jobs run`;
}

function jobsHeld(node: Node): string {
  return node.jobs.length === 1 ? "its job" : `its ${node.jobs.length} jobs`;
}
