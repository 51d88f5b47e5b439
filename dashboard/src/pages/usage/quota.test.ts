import { describe, expect, it } from "vitest";
import { formOf, QUOTA_FIELDS, read } from "./quota";

const NONE = { running_gpus: null, running_gpus_soft: null, queued_jobs: null, gpu_hours: null, gpu_hours_soft: null };

describe("read", () => {
  it("takes empty for no limit", () => {
    expect(read(formOf(null))).toEqual({ errors: {}, wanted: { weight: 1, limits: NONE } });
    expect(read({ ...formOf(null), weight: "" }).wanted?.weight).toBe(1);
  });

  it("comes back as it was", () => {
    const account = { weight: 2.5, limits: { ...NONE, running_gpus: 8, running_gpus_soft: 4, gpu_hours: 0.5 } };
    expect(read(formOf(account)).wanted).toEqual(account);
  });

  it.each([
    [{ running_gpus: "many" }, "running_gpus"],
    [{ running_gpus: "1.5" }, "running_gpus"],
    [{ gpu_hours: "-1" }, "gpu_hours"],
    [{ running_gpus: "4", running_gpus_soft: "8" }, "running_gpus_soft"],
    [{ weight: "0" }, "weight"],
    [{ weight: "x" }, "weight"],
  ])("%j is refused at its field", (change, field) => {
    const found = read({ ...formOf(null), ...change });
    expect(found.wanted).toBeNull();
    expect(Object.keys(found.errors)).toEqual([field]);
  });
});

it("asks for every field once", () => {
  expect(QUOTA_FIELDS.map(({ field }) => field).sort()).toEqual(Object.keys(formOf(null)).sort());
});
