import { describe, expect, it } from "vitest";
import { aGpu, aNode } from "../nodes/samples";
import { aJob, aWorkload } from "./samples";
import { gpuStories, groupsOf, headline, nextThings, pausedThings, whoHas } from "./story";

describe("gpuStories", () => {
  it("puts a job before what the node sees of it, and says who has what", () => {
    const node = aNode({ gpus: [aGpu(0), aGpu(1), aGpu(2, { blocked: { kind: "quarantined", why: "Xid 79" } })] });
    const stories = gpuStories(
      node,
      [aJob({ gpus: ["GPU-0"] })],
      [aWorkload({}), aWorkload({ id: "w2", user: null, gpus: ["GPU-1"] })],
    );
    expect(stories?.map((one) => one.holder.kind)).toEqual(["job", "workload", "blocked"]);
    expect(headline(stories)).toBe("None of the 3 GPUs is free.");
  });

  it("knows nothing of a machine that does not answer", () => {
    const stories = gpuStories(aNode({ state: "silent" }), [aJob({ gpus: ["GPU-0"] })], []);
    expect(stories?.every((one) => one.holder.kind === "unknown")).toBe(true);
    expect(headline(stories)).toContain("unknown");
    expect(gpuStories(aNode({ gpus: null }), [], [])).toBeNull();
  });
});

it("speaks of the GPU where there is one", () => {
  const node = aNode({ gpus: [aGpu(0)] });
  expect(headline(gpuStories(node, [], []))).toBe("The GPU is free.");
  expect(headline(gpuStories(node, [aJob({ gpus: ["GPU-0"] })], []))).toBe("ana has the GPU.");
  expect(headline(gpuStories(node, [], [aWorkload({ user: null })]))).toBe("Somebody has the GPU.");
});

it("tells once what somebody has, and keeps apart what is not the same", () => {
  const node = aNode({ gpus: [aGpu(0), aGpu(1), aGpu(2), aGpu(3)] });
  const stories = gpuStories(node, [aJob({ gpus: ["GPU-0", "GPU-2"] })], [aWorkload({ gpus: ["GPU-1"] })]);
  const groups = groupsOf(stories ?? []).map(({ holder, gpus }) => [holder.kind, gpus.map((gpu) => gpu.index)]);
  expect(groups).toEqual([
    ["job", [0, 2]],
    ["workload", [1]],
    ["free", [3]],
  ]);
});

it("names all who share", () => {
  const jobs = ["ana", "bob", "cem"].map((owner) => aJob({ owner }));
  expect(whoHas({ kind: "job", jobs })).toBe("ana, bob and cem");
});

describe("pausedThings", () => {
  it("tells jobs that made room from services that sleep, each with why", () => {
    const node = aNode({ gpus: [aGpu(0)] });
    const found = pausedThings(
      node,
      [aJob({ gpus: ["GPU-0"] }), aJob({ id: "j2", state: "QUEUED", preemptions: 2, node: null })],
      [aWorkload({ state: "paused" }), aWorkload({ id: "w9", state: "paused", node: "n2" })],
    );
    expect(found.map((one) => one.id)).toEqual(["j2", "w1"]);
    expect(found[0]?.why).toContain("twice");
    expect(found[1]?.why).toBe("Its GPU is with train of ana. It goes on once that is over.");
  });

  it("invents no reason", () => {
    expect(pausedThings(aNode({}), [], [aWorkload({ state: "paused" })])[0]?.why).toBe("Nobody has said why.");
  });
});

it("orders what waits by how many are ahead; what is not known comes last", () => {
  const jobs = ["a", "b", "c"].map((id) => aJob({ id, state: "QUEUED" }));
  const why = (id: string, ahead: number) => ({ id, reason: "r", ahead, estimated_start: null, basis: "" });
  const found = nextThings([...jobs, aJob({})], new Map([["b", why("b", 0)], ["a", why("a", 1)]]));
  expect(found.map((one) => one.job.id)).toEqual(["b", "a", "c"]);
  expect(found[0]?.starts).toBeNull();
});
