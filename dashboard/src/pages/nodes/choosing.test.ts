import { expect, it } from "vitest";
import { chosenNodes } from "./choosing";
import { aGpu, aNode } from "./samples";
import { summaryOf } from "./summary";

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

it("says all in one line", () => {
  expect(summaryOf(NODES)).toBe("3 nodes: 2 up, 1 silent");
});
