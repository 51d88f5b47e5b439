import { describe, expect, it } from "vitest";

import type { Job, Spec } from "../../data/shapes";
import { byEnd, demandOf, inLine, latestEnd, notInLine } from "./queue-order";

function job(id: string, at: number, more: Partial<Job> = {}, spec: Partial<Spec> = {}): Job {
  const asked = { gpus: 1, nodes: 1, gpu_milli: 1000, priority: 0, time_limit: null, ...spec };
  return {
    id,
    owner: "ana",
    after: [],
    submitted_at: new Date(at * 1000).toISOString(),
    started_at: null,
    ...more,
    spec: asked,
  } as unknown as Job;
}

it("sorts by priority, then age, then id", () => {
  const jobs = [
    job("d", 2),
    job("c", 1),
    job("b", 1),
    job("a", 9, {}, { priority: 5 }),
    job("z", 0, {}, { priority: -1 }),
  ];
  expect(inLine(jobs).map((one) => one.id)).toEqual(["a", "b", "c", "d", "z"]);
});

it("keeps those apart that wait for other jobs", () => {
  const jobs = [job("a", 1, { after: [{ job: "x", kind: "ok" }] }), job("b", 2)];
  expect(inLine(jobs).map((one) => one.id)).toEqual(["b"]);
  expect(notInLine(jobs).map((one) => one.id)).toEqual(["a"]);
});

it("adds up what each owner waits for", () => {
  const jobs = [
    job("a", 1, { owner: "ben" }, { gpus: 8, nodes: 2 }),
    job("b", 1, {}, { gpu_milli: 250 }),
    job("c", 1, {}, { gpus: 2 }),
  ];
  expect(demandOf(jobs)).toEqual([
    { owner: "ben", jobs: 1, gpus: 16 },
    { owner: "ana", jobs: 2, gpus: 2.25 },
  ]);
});

describe("ends", () => {
  const started_at = new Date(100_000).toISOString();

  it("come from the time limit", () => {
    expect(latestEnd(job("a", 0, { started_at }, { time_limit: 60 }))).toBe(160_000);
    expect(latestEnd(job("a", 0, { started_at }))).toBeNull();
    expect(latestEnd(job("a", 0, {}, { time_limit: 60 }))).toBeNull();
  });

  it("sort, with the unknown last", () => {
    const jobs = [
      job("open", 0, { started_at }),
      job("late", 0, { started_at }, { time_limit: 600 }),
      job("soon", 0, { started_at }, { time_limit: 60 }),
    ];
    expect(byEnd(jobs).map((one) => one.id)).toEqual(["soon", "late", "open"]);
  });
});
