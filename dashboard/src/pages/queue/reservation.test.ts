import { expect, it } from "vitest";
import { forWhom, standing, whichNodes, type Reservation } from "./reservation";

function kept(name: string, start: number, end: number): Reservation {
  const at = (seconds: number) => new Date(seconds * 1000).toISOString();
  return { id: name, name, kind: "reserved", nodes: [], start: at(start), end: at(end), users: [], groups: [], by: "", why: "" };
}

it("keeps those that are not over, the next one first", () => {
  const all = [kept("later", 300, 400), kept("over", 0, 100), kept("now", 50, 200)];
  expect(standing(all, 100_000).map(({ name }) => name)).toEqual(["now", "later"]);
});

it.each([
  [{ kind: "maintenance", users: ["ana"], groups: [] }, "for nobody: maintenance"],
  [{ kind: "reserved", users: ["ana"], groups: [] }, "for ana"],
  [{ kind: "reserved", users: ["ana", "ben"], groups: ["bio"] }, "for ana, ben and group bio"],
  [{ kind: "reserved", users: ["ana", "ben", "eve", "kim"], groups: [] }, "for ana, ben and 2 more"],
  [{ kind: "reserved", users: [], groups: [] }, "for nobody"],
] as const)("%j", (one, words) => {
  expect(forWhom({ kind: one.kind, users: [...one.users], groups: [...one.groups] })).toBe(words);
});

it("says that all nodes are kept where none is named", () => {
  expect(whichNodes({ nodes: [] })).toBe("all nodes");
  expect(whichNodes({ nodes: ["a", "b"] })).toBe("a and b");
});
