import { describe, expect, it } from "vitest";
import { COMMANDS } from "./commands";
import { entry, type Entry, fit, found, maybeJob, ofCommands, ofGpus, ofNodes, ofPages } from "./palette-entries";

const NODES = [
  { name: "node-1", state: "up" as const },
  { name: "big", state: "silent" as const },
];
const GPUS = { uuid: ["GPU-aa", "GPU-bb"], node: [0, 1], index: [0, 3], model: ["h100", null] };
const ALL: readonly Entry[] = [
  entry("Recent", "node-1", "Nodes", "/nodes/node-1"),
  ...ofCommands(COMMANDS),
  ...ofPages([{ path: "/nodes", title: "Nodes" }]),
  ...ofNodes(NODES, true),
  ...ofGpus(GPUS, NODES),
  entry("Jobs", "my-node-job", "ann", "/jobs/x"),
];
const titles = (text: string) => found(ALL, text).flatMap(({ entries }) => entries.map(({ title }) => title));

describe("what the palette finds", () => {
  it("begins with what begins so, pages before machines before jobs", () => {
    expect(titles("node")).toEqual(["Nodes", "node-1", "node-1 · GPU 0", "Join a machine", "Drain node-1…", "my-node-job"]);
  });
  it("has all words, in any order", () => {
    expect(titles("3 big")).toEqual(["big · GPU 3"]);
    expect(titles("gpu-bb")).toEqual(["big · GPU 3"]);
  });
  it("finds commands by other words, too", () => {
    expect(titles("theme")).toEqual(["Switch to dark", "Switch to light", "Colours as the system has them"]);
    expect(titles("drain b")).toEqual(["Drain big…"]);
  });
  it("says with nothing asked what was opened last, and what one can do", () => {
    expect(found(ALL, " ").map(({ group }) => group)).toEqual(["Recent", "Commands", "Pages"]);
    expect(titles("")).not.toContain("Drain big…");
  });
  it("may find nothing", () => {
    expect(found(ALL, "zzzz")).toEqual([]);
  });
});

it("offers no draining to those who may not", () => {
  expect(ofNodes(NODES, false).map(({ title }) => title)).toEqual(["node-1", "big"]);
});
it("ranks the beginning before a later word before the middle", () => {
  expect([fit("node 1", "node"), fit("my node", "node"), fit("anode", "node"), fit("x", "node")]).toEqual([0, 1, 2, null]);
});
it("offers what may be a job", () => {
  expect(maybeJob("j7f3a2")?.act).toEqual({ kind: "go", to: "/jobs/j7f3a2" });
  expect(maybeJob("zzzz")).toBeNull();
  expect(maybeJob("../1234")).toBeNull();
});
