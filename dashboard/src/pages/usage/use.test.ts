import { describe, expect, it } from "vitest";
import type { Use } from "../../data/had";
import { idleEnergyAtMost, idlePercent, partsOf } from "./use";

const use = (given: Partial<Use>): Use => ({
  gpu_hours: 10,
  idle_gpu_hours: 2,
  unknown_gpu_hours: 4,
  energy_kwh: null,
  coverage: 1,
  ...given,
});

describe("partsOf", () => {
  it("makes parts that together are what was held", () => {
    expect(partsOf(use({}))).toEqual({ busy: 4, idle: 2, unknown: 4 });
  });

  it("calls all of it unknown where idleness was never known", () => {
    expect(partsOf(use({ idle_gpu_hours: null }))).toEqual({ busy: 0, idle: 0, unknown: 10 });
  });

  it("never has a part below nothing, however the figures were rounded", () => {
    expect(partsOf(use({ idle_gpu_hours: 6.0001 }))).toEqual({ busy: 0, idle: 6, unknown: 4 });
    expect(partsOf(use({ unknown_gpu_hours: 10.0001 })).busy).toBe(0);
  });
});

describe("idlePercent", () => {
  it("is of the time in which it was known", () => {
    expect(idlePercent(use({}))).toBeCloseTo(33.33, 1);
  });

  it("is not known where nothing was", () => {
    expect(idlePercent(use({ idle_gpu_hours: null }))).toBeNull();
    expect(idlePercent(use({ unknown_gpu_hours: 10 }))).toBeNull();
  });

  it("is never more than all", () => {
    expect(idlePercent(use({ idle_gpu_hours: 6.5 }))).toBe(100);
  });
});

describe("idleEnergyAtMost", () => {
  it("is the idle part of what was taken", () => {
    expect(idleEnergyAtMost(use({ energy_kwh: 50 }))).toBe(10);
  });

  it("is not known where the energy or the load is not", () => {
    expect(idleEnergyAtMost(use({}))).toBeNull();
    expect(idleEnergyAtMost(use({ energy_kwh: 50, idle_gpu_hours: null }))).toBeNull();
    expect(idleEnergyAtMost(use({ energy_kwh: 0, gpu_hours: 0 }))).toBeNull();
  });
});
