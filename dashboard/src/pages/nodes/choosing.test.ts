import { expect, it } from "vitest";
import { chosenNodes, statesOf } from "./choosing";
import { aGpu, aNode } from "./samples";

const blocked = { kind: "quarantined", why: "Xid 79" } as const;
const NODES = [
  aNode({ id: "1", name: "a10", jobs: ["job1"] }),
  aNode({ id: "2", name: "a9", gpus: [aGpu(0, { blocked })] }),
  aNode({ id: "3", name: "b", state: "silent", gpus: null }),
];
const names = (text: string, state: string) => chosenNodes(NODES, text, state).map((node) => node.name);

it("needs each word, anywhere in the node", () => {
  expect(names("A40 job1", "")).toEqual(["a10"]);
  expect(names("xid", "")).toEqual(["a9"]);
  expect(names("nobody", "")).toEqual([]);
});

it("knows states, and what needs a look", () => {
  expect(names("", "")).toEqual(["b", "a9", "a10"]);
  expect(names("", "silent")).toEqual(["b"]);
  expect(names("", "blocked")).toEqual(["a9"]);
  expect(names("", "strays")).toEqual([]);
});

it("says how many there are of each", () => {
  const labels = statesOf(NODES).map((one) => one.label);
  expect(labels).toContain("Any state (3)");
  expect(labels).toContain("Silent (1)");
  expect(labels).toContain("With blocked GPUs (1)");
});
