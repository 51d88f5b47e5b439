import { describe, expect, it } from "vitest";
import { aGpu, aNode } from "../nodes/samples";
import { aJob, anArbiter, aService, aWorkload } from "./samples";
import { arbiterNote, askedThere, pausedThings } from "./paused";
import { firstInLine, gpuStories, groupsOf, headline, nextThings, summaryOf, takenOut, whoHas } from "./story";

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
  const why = (id: string, ahead: number) => ({
    id,
    reason: "all GPUs are busy",
    ahead,
    blocking: "gpus-busy",
    estimated_start: null,
    basis: "",
    would_start_now_if: [],
  });
  const found = nextThings([...jobs, aJob({})], new Map([["b", why("b", 0)], ["a", why("a", 1)]]));
  expect(found.map((one) => one.job.id)).toEqual(["b", "a", "c"]);
  expect(found[0]).toMatchObject({ reason: "all GPUs are busy.", outlook: { starts: null } });
});

it("asks of the most important first, then of the oldest", () => {
  const job = (id: string, submitted_at: string, priority: number) =>
    aJob({ id, submitted_at, state: "QUEUED", spec: { gpus: 1, nodes: 1, gpu_milli: 1000, time_limit: null, priority } });
  const jobs = [job("new", "2026-01-03", 0), job("old", "2026-01-01", 0), job("urgent", "2026-01-02", 9), aJob({})];
  expect(firstInLine(jobs, 2).map((one) => one.id)).toEqual(["urgent", "old"]);
});

it("sums up who uses the machine, what is paused and how many wait", () => {
  const stories = gpuStories(aNode({ gpus: [aGpu(0), aGpu(1)] }), [aJob({ gpus: ["GPU-0"] })], []);
  expect(summaryOf(stories ?? [], 0, 2)).toBe("Used by ana; nothing is paused; 2 jobs wait.");
  expect(summaryOf([], 1, 0)).toBe("One thing is paused; nobody waits.");
});

describe("an arbiter's word", () => {
  const node = aNode({ gpus: [aGpu(0)] });
  const lent = { id: "l", user: "bob", gpus: ["GPU-0"], since: null, command: "python", job: null };

  it("says that a service has the GPU while nobody else does", () => {
    const arbiter = anArbiter({ services: [aService({})] });
    expect(headline(gpuStories(node, [], [], arbiter))).toBe("chat has the GPU, and makes room for jobs.");
    expect(headline(gpuStories(node, [aJob({ gpus: ["GPU-0"] })], [], arbiter))).toBe("ana has the GPU.");
    expect(headline(gpuStories(node, [], [], anArbiter({ leases: [lent] })))).toBe("bob has the GPU.");
    expect(headline(gpuStories(node, [], [], anArbiter({ services: [aService({ state: "paused" })] })))).toBe("The GPU is free.");
  });

  it("tells what it paused, and why; nothing of what runs or was stopped", () => {
    const services = [aService({ state: "paused", why: "job train of ana has the GPU", since: "2026-01-01T00:00:00Z" }), aService({ name: "b" }), aService({ name: "c", state: "stopped" })];
    expect(pausedThings(node, [], [], anArbiter({ services }))).toEqual([
      { id: "service chat", what: "chat", owner: null, why: "It is paused: job train of ana has the GPU.", since: "2026-01-01T00:00:00Z", job: null },
    ]);
    expect(pausedThings(aNode({ state: "silent" }), [], [], anArbiter({ services }))).toEqual([]);
  });

  it("says for whom it was paused, where a lease of its GPU tells", () => {
    const why = (job: string | null) => {
      const leases = [{ id: "L1", user: "root", gpus: ["GPU-0"], since: null, command: "sh", job }];
      const services = [aService({ state: "paused", why: "lease L1 of root (sh)", gpus: ["GPU-0"] })];
      return pausedThings(node, [aJob({ gpus: ["GPU-0"] })], [], anArbiter({ services, leases }))[0]?.why;
    };
    expect(why(aJob({}).id)).toBe("It is paused: its GPU is with train of ana. It goes on once that is over.");
    expect(why("j9")).toContain("with job j9.");
    expect(why(null)).toContain("with root, on the machine itself.");
  });

  it("says for whom a service made room: a job by its name, else who was lent its GPU", () => {
    const services = [aService({ state: "paused", why: "lease L1 of root (sh -c …)" })];
    const why = (lease: typeof lent | { readonly job: string }) =>
      pausedThings(node, [aJob({ gpus: ["GPU-0"] })], [], anArbiter({ services, leases: [{ ...lent, ...lease }] }))[0]?.why;
    expect(why({ job: "j1" })).toBe("It is paused: its GPU is with train of ana. It goes on once that is over.");
    expect(why(lent)).toBe("It is paused: its GPU is with bob, on the machine itself. It goes on once that is over.");
    expect(why({ ...lent, gpus: ["GPU-9"] })).toBe("It is paused: lease L1 of root (sh -c …).");
  });

  it("names who waits on the machine itself, and leaves jobs to the queue", () => {
    const waiting = ["x", null].map((job) => ({ user: "cem", why: "", since: null, command: "", job }));
    expect(askedThere(node, anArbiter({ waiting }))).toHaveLength(1);
    expect(askedThere(aNode({ state: "silent" }), anArbiter({ waiting }))).toEqual([]);
  });

  it("says where it does not answer, and who paused all by hand", () => {
    expect(arbiterNote(node, anArbiter({ standing: "silent", why: "no socket" }))).toContain("not known");
    expect(arbiterNote(node, anArbiter({ hold: { by: "ana", why: "a demo", since: null } }))).toBe("All services are paused by hand, by ana: a demo.");
    expect(arbiterNote(node, anArbiter({ standing: "none" }))).toBeNull();
  });
});

describe("a machine of several GPUs with services", () => {
  const node = aNode({ gpus: [aGpu(0), aGpu(1)] });
  const both = anArbiter({ services: [aService({ gpus: ["GPU-0", "GPU-1"] })] });

  it("does not call taken what is made free for whoever asks", () => {
    expect(headline(gpuStories(node, [], [], both))).toBe("chat has both GPUs, and makes room for jobs.");
    expect(headline(gpuStories(node, [aJob({ gpus: ["GPU-0"] })], [], both))).toBe("None of the 2 GPUs is free, but 1 is with services that make room for jobs.");
    expect(headline(gpuStories(node, [], [], anArbiter({ services: [aService({})] })))).toBe("1 of 2 GPUs is free, and 1 more is with services that make room for jobs.");
  });

  it("says which GPU was taken out though somebody still has it", () => {
    const cordoned = aNode({ gpus: [aGpu(0, { blocked: { kind: "quarantined", why: "Xid 79" } }), aGpu(1)] });
    const [first] = groupsOf(gpuStories(cordoned, [], [], both) ?? []);
    expect(first === undefined ? [] : takenOut(first).map((gpu) => gpu.index)).toEqual([0]);
    const [alone] = groupsOf(gpuStories(cordoned, [], []) ?? []);
    expect(alone === undefined ? null : takenOut(alone)).toEqual([]);
  });
});
