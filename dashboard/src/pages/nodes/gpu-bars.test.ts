import { describe, expect, it } from "vitest";
import { barsOf, freeCount, freeOf, modelsOf } from "./gpu-bars";
import { aGpu, aNode } from "./samples";

const NONE = new Set<string>();

describe("barsOf", () => {
  it("is unknown where the node has not told which GPUs it has", () => {
    expect(barsOf(aNode({ gpus: null }), NONE)).toBeNull();
    expect(freeOf(null)).toBe("unknown");
  });

  it("draws what was not measured as unknown, not as idle", () => {
    const bars = barsOf(aNode({}), NONE);
    expect(bars?.map((bar) => bar.percent)).toEqual([null, null]);
    expect(bars?.[0]?.says).toContain("utilisation unknown");
  });

  it("calls nothing free on a node that is silent, nor before leases are known", () => {
    expect(barsOf(aNode({ state: "silent" }), NONE)?.map((bar) => bar.use)).toEqual(["unknown", "unknown"]);
    expect(barsOf(aNode({}), null)?.map((bar) => bar.use)).toEqual(["unknown", "unknown"]);
  });

  it("tells used, blocked and free apart, by index", () => {
    const blocked = { kind: "quarantined", why: "Xid 79" } as const;
    const node = aNode({
      gpus: [aGpu(2), aGpu(1, { blocked }), aGpu(0)],
      samples: [
        {
          uuid: "GPU-0",
          utilization_percent: 41.7,
          memory_used_bytes: null,
          temperature_celsius: null,
          power_watts: null,
        },
      ],
    });
    const bars = barsOf(node, new Set(["GPU-0"]));
    expect(bars?.map((bar) => bar.use)).toEqual(["used", "blocked", "free"]);
    expect(bars?.[0]?.says).toBe("GPU 0: 42 % busy, a job has it");
    expect(bars?.[1]?.says).toContain("Xid 79");
    expect(freeOf(bars ?? null)).toBe("1 of 3 free");
    expect(freeCount(bars ?? null)).toBe(1);
    expect(freeCount(null)).toBeNull();
    expect(freeCount([])).toBe(0);
    expect(freeCount(barsOf(aNode({ state: "silent" }), new Set()))).toBeNull();
  });
});

it("counts models, the most frequent first", () => {
  expect(modelsOf(aNode({ gpus: [aGpu(0, { model: null }), aGpu(1), aGpu(2)] }))).toBe(
    "2 × NVIDIA A40, 1 × unknown model",
  );
  expect(modelsOf(aNode({ gpus: null }))).toBe("unknown");
});
