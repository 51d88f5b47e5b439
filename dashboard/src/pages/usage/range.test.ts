import { expect, it } from "vitest";
import type { UsageReport } from "../../data/had";
import { fittingRange } from "./range";

const day = (start: string, gpu_hours = 4): UsageReport["days"][number] => ({
  start: `${start}T00:00:00Z`,
  gpu_hours,
  idle_gpu_hours: 0,
  unknown_gpu_hours: 0,
  energy_kwh: null,
  coverage: gpu_hours > 0 ? 1 : 0,
});
const end = "2026-11-26T21:00:00Z";

it.each([
  [["2026-11-26"], "24h"],
  [["2026-11-25", "2026-11-26"], "7d"],
  [["2026-11-20", "2026-11-26"], "7d"],
  [["2026-11-10", "2026-11-26"], "30d"],
  [[], "30d"],
])("%j → %s", (days, range) => {
  expect(fittingRange({ end, days: days.map((start) => day(start)) })).toBe(range);
});

it("takes days without a record for none", () => {
  expect(fittingRange({ end, days: [day("2026-11-01", 0), day("2026-11-26")] })).toBe("24h");
});
