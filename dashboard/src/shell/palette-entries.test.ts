import { expect, it } from "vitest";
import { entriesOf, found } from "./palette-entries";

const ALL = entriesOf([{ path: "/nodes", title: "Nodes" }], [{ name: "node-1" }, { name: "big" }], {
  uuid: ["GPU-aa", "GPU-bb"],
  node: [0, 1],
  index: [0, 3],
  model: ["h100", null],
});

it("finds what begins so first, and by all words", () => {
  expect(found(ALL, "node").map((one) => one.title)).toEqual(["Nodes", "node-1", "node-1 · GPU 0"]);
  expect(found(ALL, "3 big").map((one) => one.title)).toEqual(["big · GPU 3"]);
  expect(found(ALL, "gpu-bb")[0]?.to).toBe("/gpus/GPU-bb");
});
it("offers what may be a job", () => {
  expect(found(ALL, "j7f3a2")).toEqual([{ title: "j7f3a2", kind: "job", to: "/jobs/j7f3a2", words: "j7f3a2" }]);
  expect(found(ALL, "zzzz")).toEqual([]);
});
