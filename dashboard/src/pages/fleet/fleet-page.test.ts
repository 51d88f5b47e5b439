import { describe, expect, it } from "vitest";
import type { Fleet } from "../../data/fleet/fleet";
import { colouringOf, part } from "./colouring";
import { groupsOf } from "./grouping";

const node = (name: string, state: "up" | "silent"): Fleet["nodes"][number] => ({
  id: name,
  name,
  state,
  drained: null,
  gpus: 2,
  models: [],
  health: null,
  seen_at: null,
});

const FLEET: Fleet = {
  at: 1,
  revision: 1,
  nodes: [node("a", "up"), node("b", "silent")],
  gpus: {
    uuid: ["u1", "u2", "u3"],
    node: [0, 0, 1],
    index: [0, 1, 0],
    model: ["h100", null, "h100"],
    memory_total: [100, 100, null],
    util: [99, 0, null],
    memory_used: [50, null, null],
    temperature: [60, 30, null],
    power: [1, 1, null],
    owner: ["ana", null, null],
    job: ["j", null, null],
    jobs: [1, 0, 0],
    state: ["leased", "free", "unknown"],
    blocked: [null, null, null],
    blocked_why: [null, null, null],
    health: ["critical", null, null],
  },
};

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

  it("draws what is not known as unknown, never as nothing", () => {
    const { paint, entries, scale } = colouringOf(FLEET.gpus, "util", "dark", token);
    expect(paint(1).fill).toBe(scale?.colours[0]);
    expect(paint(0).fill).toBe(scale?.colours[9]);
    expect(paint(2).mark).toBe("hatch");
    expect(entries).toMatchObject([{ word: "unknown", count: 1 }]);
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
