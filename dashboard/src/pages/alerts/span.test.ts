import { expect, it } from "vitest";
import { readSpan, saySpan, writeSpan } from "./span";

it("reads what people type", () => {
  expect(["2m", "1.5h", "90 s", "", "0", "7d"].map(readSpan)).toEqual([120, 5400, 90, 0, 0, 604800]);
});
it("refuses what is none, and what is too long", () => {
  expect(["2", "m", "-1m", "2 weeks", "99999d"].map(readSpan)).toEqual([null, null, null, null, null]);
});
it("writes what it reads", () => {
  for (const seconds of [0, 30, 90, 120, 5400, 14400, 86400]) expect(readSpan(writeSpan(seconds))).toBe(seconds);
  expect(writeSpan(14400)).toBe("4h");
});
it("says two units at most", () => {
  expect([0, 0.5, 60, 5400, 90061].map(saySpan)).toEqual(["at once", "500 ms", "1 min", "1 h 30 min", "1 d 1 h"]);
});
