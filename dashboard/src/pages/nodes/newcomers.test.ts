import { expect, it } from "vitest";
import { newcomers } from "./newcomers";
import { aNode } from "./samples";

it("names only those that were not there, and nobody before it is known who was", () => {
  const now = [aNode({ id: "b", name: "n10" }), aNode({ id: "c", name: "n9" }), aNode({ id: "a", name: "n1" })];
  expect(newcomers(new Set(["a"]), now)).toEqual(["n9", "n10"]);
  expect(newcomers(null, now)).toEqual([]);
});
