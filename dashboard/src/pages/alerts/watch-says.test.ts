import { expect, it } from "vitest";
import { watchSays } from "./watch-says";

const well = { round_at: "2026-11-26T20:00:00.000Z", age: 4, seconds: 0.1, series: 900, history: "ok", alertmanager: null };

it("is sure while somebody looks", () => {
  expect(watchSays(well, 1)).toEqual({ sure: true, warnings: [], age: 5, series: 900 });
});
it("says loudly that nobody ever looked", () => {
  expect(watchSays(null, 0)).toMatchObject({ sure: false, age: null, warnings: [{ loud: true }] });
});
it("counts the time since the answer", () => {
  expect(watchSays(well, 50).sure).toBe(true);
  expect(watchSays(well, 57).warnings.map((one) => one.title)).toEqual(["Nobody looks for alerts"]);
});
it("is not sure while the history is silent, and is while only an Alertmanager is", () => {
  const deaf = watchSays({ ...well, history: "connection refused" }, 0);
  expect(deaf.sure).toBe(false);
  expect(deaf.warnings[0]?.text).toContain("connection refused");
  const other = watchSays({ ...well, alertmanager: "timeout" }, 0);
  expect(other).toMatchObject({ sure: true, warnings: [{ loud: false }] });
});
