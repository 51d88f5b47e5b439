import { describe, expect, it } from "vitest";
import { draftOf, EMPTY, ruleOf, wrongIn, wrongWithoutName, writtenOf } from "./rule-draft";
import { rule } from "./sample";

const full = rule({
  of: "gpu_memory_bytes", for: 90, scope: { node: ["gpu01", "gpu 2"] }, labels: { team: "vision" },
  annotations: { summary: "hot", next_step: "look", why: "heat" }, no_data: "alert", enabled: false,
});

it("writes back what it read, other annotations included", () => {
  expect(full).toMatchObject(ruleOf(draftOf(full)));
});

it("writes a listed rule back as it is, so that one field alone can be changed", () => {
  expect({ ...writtenOf(full), enabled: true }).toEqual({ ...ruleOf(draftOf(full)), enabled: true });
  expect(writtenOf(full).annotations).toEqual(full.annotations);
});

describe("what is wrong", () => {
  const good = draftOf(rule());
  it("is nothing with a shipped rule", () => expect(wrongIn(good, new Set())).toEqual({}));
  it("names the fields that are missing in a new one", () => {
    expect(Object.keys(wrongIn(EMPTY, new Set())).sort()).toEqual(["metric", "name", "threshold"]);
  });
  it("knows names that are taken or reserved", () => {
    expect(wrongIn(good, new Set(["gpu-hot"])).name).toContain("There is a rule");
    expect(wrongIn({ ...good, name: "finding" }, new Set()).name).toContain("findings");
  });
  it("reads thresholds, durations, scopes and labels", () => {
    const wrong = wrongWithoutName({ ...good, threshold: "88 °C", hold: "2", keep: "x", scope: "gpu01", labels: "severity=bad" });
    expect(Object.keys(wrong).sort()).toEqual(["hold", "keep", "labels", "scope", "threshold"]);
    expect(wrong.labels).toContain("severity");
    expect(wrongWithoutName({ ...good, labels: "team=a team=b" }).labels).toContain("two values");
  });
});
