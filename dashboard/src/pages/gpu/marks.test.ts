import { describe, expect, it } from "vitest";
import { eventMarks, jobMarks, within } from "./marks";
import { aJob } from "../workstation/samples";

const EVENT = { subject: "x", owner: null };

describe("jobMarks", () => {
  it("marks beginning and end of jobs that had the GPU, and no others", () => {
    const job = aJob({ state: "FAILED", gpus: ["GPU-0"], ended_at: "1970-01-01T00:02:00Z" });
    expect(jobMarks([job, aJob({ gpus: ["GPU-1"] })], "GPU-0")).toEqual([
      { at: 60, kind: "begin", text: "train of ana began", to: "/jobs/j1" },
      { at: 120, kind: "bad", text: "train of ana failed", to: "/jobs/j1" },
    ]);
  });

  it("passes over a time that is none", () => {
    expect(jobMarks([aJob({ gpus: ["GPU-0"], started_at: "soon" })], "GPU-0")).toEqual([]);
  });
});

describe("eventMarks", () => {
  it("takes alerts of that GPU and what became of its node", () => {
    const events = [
      {
        ...EVENT,
        type: "sentinel.alert.fired",
        time: "1970-01-01T00:00:10Z",
        data: { labels: { uuid: "GPU-0" }, summary: "89 °C" },
      },
      {
        ...EVENT,
        type: "sentinel.alert.fired",
        time: "1970-01-01T00:00:10Z",
        data: { labels: { uuid: "GPU-1" } },
      },
      { ...EVENT, type: "sentinel.node.silent", time: "1970-01-01T00:00:20Z", data: { name: "n1" } },
      { ...EVENT, type: "sentinel.node.silent", time: "1970-01-01T00:00:20Z", data: { name: "n2" } },
      { ...EVENT, type: "sentinel.user.added", time: "1970-01-01T00:00:20Z", data: {} },
    ];
    expect(eventMarks(events, "GPU-0", "n1").map((mark) => mark.text)).toEqual(["89 °C", "n1 fell silent"]);
  });

  it("takes alerts of the node, whichever GPU they are about, where no GPU is asked for", () => {
    const fired = (labels: object) => ({ ...EVENT, type: "sentinel.alert.fired", time: "1970-01-01T00:00:10Z", data: { labels, summary: "hot" } });
    expect(eventMarks([fired({ node: "n1", uuid: "GPU-1" }), fired({ node: "n2" })], null, "n1")).toHaveLength(1);
  });

  it("bears data of any shape", () => {
    const odd = { ...EVENT, type: "sentinel.alert.fired", time: "1970-01-01T00:00:10Z", data: { labels: null } };
    expect(eventMarks([odd], "GPU-0", "n1")).toEqual([]);
  });
});

it("keeps the newest where there are too many", () => {
  const marks = [3, 1, 2, 9].map((at) => ({ at, kind: "end", text: "" }) as const);
  expect(within(marks, 0, 5, 2).map((mark) => mark.at)).toEqual([2, 3]);
});
