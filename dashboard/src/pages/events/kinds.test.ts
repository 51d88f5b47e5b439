import { describe, expect, it } from "vitest";
import { lookOf, topicOf, topicsOf, wordOf } from "./kinds";

describe("lookOf", () => {
  it("says what went wrong by shape as well as by colour", () => {
    expect(lookOf("sentinel.job.failed")).toEqual({ tone: "bad", shape: "cross", word: "Job failed" });
    expect(lookOf("sentinel.job.succeeded").shape).not.toBe(lookOf("sentinel.job.failed").shape);
    expect(lookOf("sentinel.node.silent")).toMatchObject({ tone: "unknown", shape: "hatch" });
  });

  it("has a plain look for a type that it does not know", () => {
    expect(lookOf("sentinel.job.levitated")).toEqual({ tone: "quiet", shape: "ring", word: "Job levitated" });
    expect(lookOf("org.other.thing").word).toBe("org.other.thing");
    expect(lookOf("constructor").tone).toBe("quiet");
  });
});

it("words are read, not spelled", () => {
  expect(wordOf("sentinel.alert.no_data")).toBe("Alert no data");
  expect(wordOf("sentinel.job.preempt-requested")).toBe("Job preempt requested");
});

describe("topicsOf", () => {
  it("has each type once, by topic", () => {
    const topics = topicsOf(["sentinel.job.running", "sentinel.job.levitated"]);
    const values = topics.flatMap(({ items }) => items.map(({ value }) => value));
    expect(new Set(values).size).toBe(values.length);
    expect(new Set(topics.map(({ group }) => group)).size).toBe(topics.length);
    expect(topics[0]?.group).toBe("Job");
    expect(topics[0]?.items.map(({ value }) => value)).toContain("sentinel.job.levitated");
  });

  it("knows what a type is about", () => {
    expect(topicOf("sentinel.alert_rule.changed")).toBe("alert_rule");
  });
});
