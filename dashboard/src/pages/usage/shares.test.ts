import { describe, expect, it } from "vitest";
import type { Standing } from "../../data/had";
import { levelOf, sentenceOf, sharesOf } from "./shares";

const standing = (given: Partial<Standing>): Standing => ({
  scope: "user",
  name: "ada",
  running_gpus: 0,
  gpu_hours: 0,
  recent_gpu_hours: 0,
  share: null,
  weight: 1,
  limits: null,
  days: {},
  ...given,
});

describe("levelOf", () => {
  it("has no part where nothing is limited", () => {
    expect(levelOf(5, null, null)).toMatchObject({ of: null, part: null, state: "free" });
  });

  it("tells within, near and over", () => {
    expect(levelOf(5, 10, null).state).toBe("within");
    expect(levelOf(9, 10, null).state).toBe("near");
    expect(levelOf(10, 10, null).state).toBe("over");
    expect(levelOf(4, 10, 4).state).toBe("near");
    expect(levelOf(5, 10, 4)).toMatchObject({ state: "over", part: 0.5, soft: 4 });
    expect(levelOf(5, null, 4)).toMatchObject({ state: "over", part: 1, of: 4, soft: null });
  });

  it("is full where nothing is allowed", () => {
    expect(levelOf(0, 0, null)).toMatchObject({ part: 1, state: "over" });
  });
});

describe("sharesOf", () => {
  it("compares what each had with what is due to it, within its scope alone", () => {
    const found = sharesOf(
      [
        standing({ name: "ada", share: 0.6, weight: 3 }),
        standing({ name: "bela", share: 0.4, weight: 1 }),
        standing({ name: "vision", scope: "group", share: 1, weight: 9 }),
      ],
      "user",
    );
    expect(found.map(({ standing: { name }, had, due }) => [name, had, due])).toEqual([
      ["bela", 40, 25],
      ["ada", 60, 75],
    ]);
  });

  it("keeps not known apart from nothing", () => {
    expect(sharesOf([standing({})], "user")[0]).toMatchObject({ had: null, due: 100 });
  });
});

it("says what is limited, and nothing else", () => {
  const none = {
    running_gpus: null,
    running_gpus_soft: null,
    queued_jobs: null,
    gpu_hours: null,
    gpu_hours_soft: null,
  };
  expect(sentenceOf(none)).toBe("");
  expect(sentenceOf({ ...none, running_gpus: 8, gpu_hours: 0 })).toBe(
    "at most 8 GPUs at once · 0 GPU-hours in 30 days",
  );
});
