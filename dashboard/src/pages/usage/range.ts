// Which time the usage page begins with: the shortest that has all that was recorded, a month at the most. A month of
// hatched days and one bar says less. Pure. Used by UsagePage.
import type { UsageReport } from "../../data/had";

export const RANGES = ["24h", "7d", "30d", "90d", "365d"] as const;
export type Range = (typeof RANGES)[number];

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** `report`: of the last 30 days, day by day. */
export function fittingRange(report: Pick<UsageReport, "end" | "days">): Range {
  const recorded = report.days.filter((day) => day.gpu_hours > 0 || (day.coverage ?? 0) > 0);
  const first = Math.min(...recorded.map((day) => Date.parse(day.start)));
  if (!Number.isFinite(first)) return "30d";
  const span = Date.parse(report.end) - first;
  if (span <= 7 * DAY) return recorded.length <= 1 ? "24h" : "7d";
  return "30d";
}
