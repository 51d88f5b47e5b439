import { describe, expect, it } from "vitest";
import type { JobWhy } from "../../data/placed-job";
import { helpsOf, outlookOf } from "./outlook";

const why = (more: Partial<JobWhy>): JobWhy => ({
  id: "j",
  reason: "",
  ahead: 0,
  blocking: "gpus-busy",
  estimated_start: null,
  basis: "",
  would_start_now_if: [],
  ...more,
});

describe("outlookOf", () => {
  it("says why a start cannot be told, and what would help", () => {
    const found = outlookOf(why({ basis: "jobs that run, or are ahead, have no time limit" }));
    expect(found.basis).toBe("Jobs that run, or are ahead, have no time limit.");
    expect(found.help).toContain("--time-limit");
    expect(outlookOf(why({ blocking: "drained", basis: "a drained node comes back when an operator resumes it" })).help).toContain("open it again");
  });

  it("has no advice where the start is known, nor for what it does not know", () => {
    expect(outlookOf(why({ estimated_start: "2026-11-26T20:00:00Z", basis: "no time limit is in the way" })).help).toBeNull();
    expect(outlookOf(why({ blocking: "something-new", basis: "wait" })).help).toBeNull();
  });

  it("invents nothing before it is asked", () => {
    expect(outlookOf(undefined)).toEqual({ starts: null, basis: "", help: null });
  });
});

it("tells once what would help several", () => {
  const found = [why({ basis: "job x has no time limit" }), why({ basis: "job y has no time limit" }), why({})].map(outlookOf);
  expect(helpsOf(found)).toHaveLength(1);
});
