// What is said of a node in one word, and what may be done with it. Pure; used by the table and the page of nodes.

import type { Node } from "../../data/node";

export type NodeWord = "up" | "draining" | "drained" | "silent" | "dead";

/** A drain that jobs still run through is "draining"; the machine may be worked on once it is "drained". */
export function wordOf(node: Node): NodeWord {
  if (node.state !== "up") return node.state;
  if (node.drained === null) return "up";
  return node.jobs.length > 0 ? "draining" : "drained";
}

/** A sentence for whoever hovers over the word. */
export function sentenceOf(node: Node): string {
  const jobs = node.jobs.length;
  const many = `${jobs} ${jobs === 1 ? "job" : "jobs"}`;
  switch (wordOf(node)) {
    case "up":
      return "Its agent answers, and jobs may start there";
    case "draining":
      return `No new job starts there; ${many} still ${jobs === 1 ? "runs" : "run"}`;
    case "drained":
      return "No new job starts there, and none runs: it may be worked on";
    case "silent":
      return jobs > 0
        ? `It has not been heard of; whether its ${jobs === 1 ? "job still runs" : `${many} still run`} is unknown`
        : "It has not been heard of; what runs there is unknown";
    case "dead":
      return "Declared dead: nothing runs there";
  }
}

export type NodeAction = "drain" | "resume" | "declare-dead" | "remove";

export interface Rights {
  readonly operate: boolean;
  readonly administer: boolean;
}

/** What this person may do with this node as it is now. What would be refused is not offered. */
export function actionsOf(node: Node, rights: Rights): readonly NodeAction[] {
  const found: NodeAction[] = [];
  if (rights.operate) {
    found.push(node.drained === null ? "drain" : "resume");
    if (node.state === "silent") found.push("declare-dead");
  }
  if (rights.administer && node.jobs.length === 0) found.push("remove");
  return found;
}

/** Those that need somebody first, then by name, numbers as numbers. */
export function byNeed(a: Node, b: Node): number {
  return rankOf(a) - rankOf(b) || a.name.localeCompare(b.name, "en", { numeric: true });
}

function rankOf(node: Node): number {
  return { silent: 0, draining: 1, drained: 2, up: 3, dead: 4 }[wordOf(node)];
}
