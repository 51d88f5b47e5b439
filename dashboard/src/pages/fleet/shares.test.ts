import { describe, expect, it } from "vitest";
import { choicesOf, chosenRows, UNKNOWN } from "./choosing";
import { aFleetNode, FLEET } from "./samples";
import { freeByModel, sharesOf } from "./shares";

const ANY = { model: "", owner: "", state: "" };

it("counts what each has, and takes the mean of what is known alone", () => {
  const gpus = { owner: ["ana", "bob", "ana", null, "ana", "cem"], util: [80, null, 40, 5, null, 0] };
  expect(sharesOf(gpus)).toEqual([
    { owner: "ana", gpus: 3, busy: 60 },
    { owner: "bob", gpus: 1, busy: null },
    { owner: "cem", gpus: 1, busy: 0 },
  ]);
});

describe("freeByModel", () => {
  it("says how many are free, and how many of them on one node", () => {
    const gpus = {
      model: ["h100", "h100", "h100", "a40"],
      state: ["free" as const, "free" as const, "free" as const, "unknown" as const],
      node: [0, 1, 1, 1],
    };
    expect(freeByModel({ nodes: [aFleetNode("a"), aFleetNode("b")], gpus })).toEqual([
      { model: "h100", free: 3, all: 3, unknown: 0, together: 2 },
      { model: "a40", free: 0, all: 1, unknown: 1, together: 0 },
    ]);
  });

  it("counts nothing as free that a drained node has", () => {
    const nodes = [aFleetNode("a", { drained: { by: "ana", at: "2026-11-26T20:00:00Z", why: "" } })];
    expect(freeByModel({ nodes, gpus: { model: ["h100"], state: ["free"], node: [0] } })[0]).toMatchObject({ free: 0, all: 1 });
  });
});

describe("a filter of the map", () => {
  it("leaves all where there is none, and none where nothing fits", () => {
    expect(chosenRows(FLEET.gpus, ANY)).toBeNull();
    expect(chosenRows(FLEET.gpus, { ...ANY, owner: "nobody-of-that-name" })).toEqual([]);
  });

  it("asks for each field, and finds what is not known", () => {
    expect(chosenRows(FLEET.gpus, { ...ANY, model: "h100" })).toEqual([0, 2]);
    expect(chosenRows(FLEET.gpus, { ...ANY, model: "h100", state: "unknown" })).toEqual([2]);
    expect(chosenRows(FLEET.gpus, { ...ANY, model: UNKNOWN })).toEqual([1]);
    expect(chosenRows(FLEET.gpus, { ...ANY, state: "ill" })).toEqual([0]);
  });

  it("offers what it is set to, though that is gone", () => {
    expect(choicesOf(["b", "a", "b"], "zoe")).toEqual(["a", "b", "zoe"]);
    expect(choicesOf(["a", null], "")).toEqual([UNKNOWN, "a"]);
  });
});
