import { describe, expect, it } from "vitest";
import type { Event } from "../../data/shapes";
import { dataOf, eventFrom, placeOf, sentenceOf, subjectOf } from "./event";

const event = (given: Partial<Event>): Event => ({
  id: 1,
  time: "2026-11-26T21:00:00Z",
  type: "sentinel.job.failed",
  source: "/nodes/n1",
  subject: "k1",
  owner: "ada",
  tenant: "default",
  data: {},
  ...given,
});

describe("eventFrom", () => {
  it("takes what is one, and what is left out as not known", () => {
    expect(eventFrom({ id: 3, time: "t", type: "x" })).toEqual({
      id: 3,
      time: "t",
      type: "x",
      source: "",
      subject: "",
      owner: null,
      tenant: "",
      data: {},
    });
  });

  it.each([null, 7, "event", [], { id: "3", time: "t", type: "x" }, { id: 3 }])("refuses %j", (found) => {
    expect(eventFrom(found)).toBeNull();
  });
});

describe("sentenceOf", () => {
  it("says what, where, and why", () => {
    const data = {
      name: "train",
      node: "n1",
      gpus: ["a", "b"],
      from: "RUNNING",
      state: "FAILED",
      exit_code: 2,
      reason: "exit code 2",
    };
    expect(sentenceOf(event({ data }))).toBe("train · on n1 · 2 GPUs · from running · exit code 2");
  });

  it("says who", () => {
    expect(sentenceOf(event({ data: { by: "ada", kind: "api", label: "laptop" } }))).toBe("laptop · by ada");
  });

  it('says nothing rather than "null", and does not trip over odd data', () => {
    expect(sentenceOf(event({ data: { name: null, node: 3, gpus: "x", exit_code: 0, by: "" } }))).toBe("");
  });
});

describe("placeOf", () => {
  it("knows the pages of jobs, nodes and alerts", () => {
    expect(placeOf(event({}))).toEqual({ to: "/jobs/k1", name: "k1" });
    const node = event({ type: "sentinel.node.up", subject: "99m3", data: { name: "vm" } });
    expect(placeOf(node)).toEqual({ to: "/nodes/vm", name: "vm" });
    expect(subjectOf(node)).toBe("vm");
    const alert = event({ type: "sentinel.alert.fired", subject: "a/1", data: { rule: "gpu-hot" } });
    expect(placeOf(alert)).toEqual({ to: "/alerts/a%2F1", name: "gpu-hot" });
  });

  it("looks at the node of what has no page", () => {
    const found = event({ type: "sentinel.finding.opened", subject: "f1", data: { node: "n 1" } });
    expect(placeOf(found)).toEqual({ to: "/nodes/n%201", name: "f1" });
  });

  it("has none for others", () => {
    expect(placeOf(event({ type: "sentinel.token.made" }))).toBeNull();
    expect(placeOf(event({ type: "sentinel.node.up", data: {} }))).toBeNull();
    expect(placeOf(event({ type: "someone.elses.job" }))).toBeNull();
  });
});

it("data is text, line by line", () => {
  expect(dataOf(event({ data: { a: "x", b: 0, c: null, d: ["y", "z"], e: false, f: { g: 1 } } }))).toEqual([
    { key: "a", value: "x" },
    { key: "b", value: "0" },
    { key: "c", value: null },
    { key: "d", value: "y\nz" },
    { key: "e", value: "false" },
    { key: "f", value: '{\n "g": 1\n}' },
  ]);
});
