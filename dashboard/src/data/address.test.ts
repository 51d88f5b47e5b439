import { expect, it } from "vitest";
import { address } from "./address";

it("fills names, escaped", () => {
  expect(address("/nodes/{name}/drain", { name: "a/b c" })).toBe("/nodes/a%2Fb%20c/drain");
  expect(() => address("/nodes/{name}")).toThrow("needs name");
});
it("writes what is known, and each of a list", () => {
  expect(address("/jobs", {}, { state: ["RUNNING", "LOST"], owner: undefined, node: null, limit: 5, me: false })).toBe(
    "/jobs?state=RUNNING&state=LOST&limit=5&me=false",
  );
});
