import { describe, expect, it } from "vitest";
import { actionsOf, byNeed, sentenceOf, wordOf } from "./node-state";
import { aNode } from "./samples";

const ALL = { operate: true, administer: true };
const SAID = { by: "ana", at: "2026-11-26T20:00:00.000Z", why: "new driver" };

describe("wordOf", () => {
  it("tells a drain that jobs still run through from one that is over", () => {
    expect(wordOf(aNode({ drained: SAID, jobs: ["a"] }))).toBe("draining");
    expect(wordOf(aNode({ drained: SAID }))).toBe("drained");
  });

  it("says of a silent node that it is silent, drained or not", () => {
    expect(wordOf(aNode({ state: "silent", drained: SAID }))).toBe("silent");
  });
});

describe("sentenceOf", () => {
  it("calls what runs on a silent node unknown", () => {
    expect(sentenceOf(aNode({ state: "silent", jobs: ["a"] }))).toContain("unknown");
    expect(sentenceOf(aNode({ state: "silent" }))).toContain("unknown");
  });
});

describe("actionsOf", () => {
  it("offers nothing to who may do nothing", () => {
    expect(actionsOf(aNode({}), { operate: false, administer: false })).toEqual([]);
  });

  it("never offers to declare a node dead that answers", () => {
    expect(actionsOf(aNode({}), ALL)).toEqual(["drain", "remove"]);
    expect(actionsOf(aNode({ state: "silent" }), ALL)).toEqual(["drain", "declare-dead", "remove"]);
  });

  it("does not offer to remove a node that jobs hold GPUs of", () => {
    expect(actionsOf(aNode({ drained: SAID, jobs: ["a"] }), ALL)).toEqual(["resume"]);
  });
});

it("puts what needs somebody first, then counts names as numbers", () => {
  const nodes = [aNode({ name: "n10" }), aNode({ name: "n9" }), aNode({ name: "z", state: "silent" })];
  expect(nodes.sort(byNeed).map((node) => node.name)).toEqual(["z", "n9", "n10"]);
});
