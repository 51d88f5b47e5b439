import { describe, expect, it } from "vitest";
import { colouringOf, part, slotsOf } from "./colouring";
import { groupsOf } from "./grouping";
import { FLEET } from "./samples";

const token = (name: string) => name;

describe("the map of the fleet", () => {
  it("puts together, and says which nodes are away", () => {
    expect(groupsOf(FLEET, "node")).toEqual([
      { key: "a", label: "a", cells: [0, 1] },
      { key: "b", label: "b", cells: [2], note: "silent" },
    ]);
    expect(groupsOf(FLEET, "model").map((one) => [one.key, one.cells])).toEqual([
      ["h100", [0, 2]],
      ["unknown", [1]],
    ]);
    expect(groupsOf(FLEET, "user").map((one) => one.key)).toEqual(["ana", "nobody", "unknown"]);
  });

  it("puts together only what a filter leaves", () => {
    expect(groupsOf(FLEET, "model", [2]).map((one) => [one.key, one.cells])).toEqual([["h100", [2]]]);
    expect(groupsOf(FLEET, "node", [])).toEqual([]);
  });

  it("keeps an owner's colour, whoever has more than whom", () => {
    const [before, after] = [slotsOf(["ana", "bob", "cem"], 8), slotsOf(["cem", "ana", "bob"], 8)];
    expect(after).toEqual(before);
    expect(new Set(before.values()).size).toBe(3);
    expect(slotsOf(Array.from({ length: 8 }, (_, nth) => `user${nth}`), 8).size).toBe(8);
  });

  it("draws what is not known as unknown, never as nothing", () => {
    const { paint, entries, scale } = colouringOf(FLEET.gpus, "util", "dark", token);
    expect(paint(1).fill).toBe(scale?.colours[0]);
    expect(paint(0).fill).toBe(scale?.colours[9]);
    expect(paint(2).mark).toBe("hatch");
    expect(entries).toMatchObject([{ word: "not measured", count: 1 }]);
    expect(part(5, null)).toBeNull();
    expect(part(5, 0)).toBeNull();
  });

  it("says health and owner by more than a colour", () => {
    const health = colouringOf(FLEET.gpus, "health", "light", token);
    expect([0, 1, 2].map((row) => health.paint(row).mark)).toEqual(["cross", "ring", "hatch"]);
    const owner = colouringOf(FLEET.gpus, "owner", "light", token);
    expect(owner.entries.map((one) => [one.word, one.count])).toEqual([
      ["ana", 1],
      ["nobody", 1],
      ["not known", 1],
    ]);
  });
});
