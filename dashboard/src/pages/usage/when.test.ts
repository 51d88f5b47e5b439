import { expect, it } from "vitest";
import { dayLabel, periodLabel } from "./when";

const period = (start: string, end: string) => ({
  start: Date.parse(start),
  end: Date.parse(end),
  parts: null,
  coverage: null,
});

it("names hours, days and weeks, in UTC wherever the reader is", () => {
  const hour = period("2026-11-24T23:00:00Z", "2026-11-25T00:00:00Z");
  expect([dayLabel(hour), periodLabel(hour)]).toEqual(["23:00", "24 Nov 2026, 23:00 to 00:00 UTC"]);
  const day = period("2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z");
  expect([dayLabel(day), periodLabel(day)]).toEqual(["24 Nov", "24 Nov 2026, UTC"]);
  const week = period("2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z");
  expect([dayLabel(week), periodLabel(week)]).toEqual(["28 Dec", "28 Dec to 3 Jan 2027"]);
});
