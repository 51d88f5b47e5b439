import { describe, expect, it } from "vitest";
import { heldIn, labelled, periodsOf, ticksUpTo } from "./periods";

const day = (start: string, held: number, coverage: number | null = 1) => ({
  start,
  gpu_hours: held,
  idle_gpu_hours: 0,
  unknown_gpu_hours: 0,
  energy_kwh: null,
  coverage,
});
const DAY = 86_400;

describe("periodsOf", () => {
  it("has every day of the asked time, and those without a record as such", () => {
    const found = periodsOf({
      start: "2026-11-23T21:00:00Z",
      end: "2026-11-26T21:00:00Z",
      step: DAY,
      days: [day("2026-11-24T00:00:00Z", 5), day("2026-11-26T00:00:00Z", 7, 0.5)],
    });
    expect(found.map(heldIn)).toEqual([0, 5, 0, 7]);
    expect(found.map(({ parts }) => parts === null)).toEqual([true, false, true, false]);
    expect(found.map(({ coverage }) => coverage)).toEqual([null, 1, null, 0.5]);
    expect(new Date(found[0]?.start ?? 0).toISOString()).toBe("2026-11-23T00:00:00.000Z");
  });

  it("tells a recorded day on which nobody held a GPU from one without a record", () => {
    const found = periodsOf({
      start: "2026-11-24T00:00:00Z",
      end: "2026-11-26T00:00:00Z",
      step: DAY,
      days: [day("2026-11-24T00:00:00Z", 0, 1), day("2026-11-25T00:00:00Z", 0, 0)],
    });
    expect(found[0]?.parts).toEqual({ busy: 0, idle: 0, unknown: 0 });
    expect(found[1]?.parts).toBeNull();
  });

  it("puts the days of a year into weeks that end with the newest", () => {
    const found = periodsOf({
      start: "2025-11-26T00:00:00Z",
      end: "2026-11-26T00:00:00Z",
      step: DAY,
      days: [day("2026-11-25T00:00:00Z", 3), day("2026-11-20T00:00:00Z", 4)],
    });
    expect(found).toHaveLength(53);
    const last = found[52];
    expect(last === undefined ? 0 : heldIn(last)).toBe(7);
    expect(last?.end).toBe(Date.parse("2026-11-26T00:00:00Z"));
    expect(last?.coverage).toBeCloseTo(2 / 7);
  });

  it("is empty for a time that is none", () => {
    expect(periodsOf({ start: "", end: "", step: DAY, days: [] })).toEqual([]);
  });
});

describe("ticksUpTo", () => {
  it("is round, and reaches the top", () => {
    expect(ticksUpTo(7)).toEqual([0, 2, 4, 6, 8]);
    expect(ticksUpTo(1)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(ticksUpTo(24_576)).toEqual([0, 10_000, 20_000, 30_000]);
  });

  it("has a scale where there is nothing", () => {
    expect(ticksUpTo(0)).toEqual([0, 1]);
  });

  it("always has few steps, and never less than what there is", () => {
    for (let most = 0.013; most < 1e6; most *= 1.7) {
      const ticks = ticksUpTo(most);
      expect(ticks.length).toBeLessThanOrEqual(6);
      expect(ticks[ticks.length - 1]).toBeGreaterThanOrEqual(most * (1 - 1e-9));
    }
  });
});

describe("labelled", () => {
  it("has the last, and no more than wanted", () => {
    expect([...labelled(30, 6)]).toEqual([29, 24, 19, 14, 9, 4]);
    expect(labelled(3, 6).size).toBe(3);
    expect(labelled(0, 6).size).toBe(0);
  });
});
