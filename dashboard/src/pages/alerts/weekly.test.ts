import { expect, it } from "vitest";
import type { Silence } from "../../data/alerting";
import { inOrder, localOf, momentOf, sayDays, sayWeekly, wrongInWeekly } from "./weekly";

it("says days as a person does", () => {
  expect(sayDays(["sun", "sat"])).toBe("Sat, Sun");
  expect(sayDays(["mon", "tue", "wed", "fri"])).toBe("Mon–Wed, Fri");
});
it("says hours, and that they end on the next day", () => {
  expect(sayWeekly({ days: ["sat", "sun"], begin: "00:00", end: "24:00", zone: "UTC" })).toBe("Sat, Sun all day (UTC)");
  expect(sayWeekly({ days: ["fri"], begin: "22:00", end: "06:00", zone: "Europe/Berlin" })).toBe("Fri 22:00 to 06:00 the next day (Europe/Berlin)");
});
it("says what is wrong with them", () => {
  const good = { days: ["mon"], begin: "08:00", end: "24:00", zone: "Europe/Berlin" };
  expect(wrongInWeekly(good)).toBeNull();
  expect(wrongInWeekly({ ...good, days: [] })).toContain("day");
  expect(wrongInWeekly({ ...good, begin: "8:00" })).toContain("08:30");
  expect(wrongInWeekly({ ...good, zone: "my zone" })).toContain("Europe/Berlin");
});
it("has those in force first, which ends next before the others, and the newest of the old", () => {
  const silence = (id: string, state: Silence["state"], end: string): Silence => ({
    id, state, end, matches: {}, start: end, by: "eve", why: "", weekly: null, until: null,
  });
  const all = [silence("old", "ended", "1"), silence("new", "ended", "2"), silence("w", "waiting", "1"), silence("b", "active", "4"), silence("a", "active", "3")];
  expect(inOrder(all).map((one) => one.id)).toEqual(["a", "b", "w", "new", "old"]);
});
it("reads what it wrote as a moment", () => {
  const moment = new Date(2026, 10, 26, 8, 5);
  expect(momentOf(localOf(moment))).toEqual(moment);
  expect(momentOf("")).toBeNull();
});
