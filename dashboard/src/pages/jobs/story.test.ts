import { describe, expect, it } from "vitest";

import type { JobEvent } from "../../data/job";
import { nodesInWords, timelineOf } from "./story";

function event(id: number, what: string, at: number, data: Record<string, unknown> = {}): JobEvent {
  const time = new Date(at * 1000).toISOString();
  return { id, time, type: `sentinel.job.${what}`, data };
}

describe("timelineOf", () => {
  it("tells a job that was tried twice", () => {
    const told = timelineOf([
      event(1, "submitted", 0, { attempt: 0 }),
      event(2, "allocated", 5, { attempt: 1, node: "a1" }),
      event(3, "running", 6, { attempt: 1, node: "a1" }),
      event(4, "requeued", 60, { attempt: 1, exit_code: 3, reason: "it failed, and is tried again" }),
      event(5, "failed", 90, { attempt: 2, signal: 9, exit_code: null, reason: "out of memory" }),
    ]);
    expect(told.map((one) => one.title)).toEqual([
      "Submitted",
      "Got its GPUs on a1",
      "Runs on a1",
      "Back in the queue with exit code 3",
      "Failed by signal 9",
    ]);
    expect(told.map((one) => one.after)).toEqual([null, 5, 1, 54, 30]);
    expect(told[4]).toMatchObject({ tone: "bad", detail: "out of memory", attempt: 2 });
  });

  it("shows what it does not know by its own word", () => {
    expect(timelineOf([event(1, "new-thing", 0)])[0]).toMatchObject({ title: "new-thing", tone: "neutral" });
  });

  it("takes no text for what is none", () => {
    expect(timelineOf([event(1, "running", 0, { node: 5, reason: { a: 1 } })])[0]).toMatchObject({
      title: "Runs",
      detail: "",
    });
  });
});

it("nodesInWords", () => {
  expect(["a", "a,b", "a,b,c"].map(nodesInWords)).toEqual(["a", "a and b", "a, b and 1 more"]);
});
