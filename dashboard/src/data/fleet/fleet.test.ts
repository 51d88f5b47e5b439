import { expect, it } from "vitest";
import { countsOf, type Fleet, withDelta } from "./fleet";

const node = (name: string): Fleet["nodes"][number] => ({
  id: name,
  name,
  state: "up",
  drained: null,
  gpus: 1,
  models: [{ model: "h100", count: 1 }],
  health: null,
  seen_at: 5,
});

const FLEET: Fleet = {
  at: 1,
  revision: 1,
  nodes: [node("a"), node("b")],
  gpus: {
    uuid: ["u", "v"],
    node: [0, 1],
    index: [0, 0],
    model: ["h100", "h100"],
    memory_total: [8, 8],
    util: [10, null],
    memory_used: [1, null],
    temperature: [40, null],
    power: [100, null],
    owner: [null, "ana"],
    job: [null, "j"],
    jobs: [0, 1],
    state: ["free", "leased"],
    blocked: [null, null],
    blocked_why: [null, null],
    health: [null, "critical"],
  },
};

it("a change touches what it names, and nothing else", () => {
  const next = withDelta(FLEET, { at: 2, revision: 3, nodes: [[1, { state: "dead" }]], gpus: [[1, { util: 0, state: "free" }]] });
  expect(next.at).toBe(2);
  expect(next.nodes.map((one) => one.state)).toEqual(["up", "dead"]);
  expect(next.nodes[0]).toBe(FLEET.nodes[0]);
  expect(next.gpus.util).toEqual([10, 0]);
  expect(next.gpus.uuid).toBe(FLEET.gpus.uuid);
  expect(FLEET.gpus.util).toEqual([10, null]);
});

it("rows and columns that are not there change nothing", () => {
  const next = withDelta(FLEET, { at: 2, revision: 3, nodes: [[9, { state: "dead" }]], gpus: [[9, { util: 5 }], [0, { later: 5 }]] });
  expect(next.nodes).toEqual(FLEET.nodes);
  expect(next.gpus).toEqual(FLEET.gpus);
});

it("unknown counts for nothing in the mean", () => {
  expect(countsOf(FLEET)).toMatchObject({ gpus: 2, util: 10, ill: 1, states: { free: 1, leased: 1 } });
});

it("counts what is free on a machine that is closed as blocked", () => {
  const drained = { by: "ana", at: "2026-01-31T12:00:00Z", why: "" };
  const closed = withDelta(FLEET, { at: 2, revision: 3, nodes: [[0, { drained }]], gpus: [] });
  expect(countsOf(closed).states).toMatchObject({ free: 0, leased: 1, blocked: 1 });
});
