import { describe, expect, it } from "vitest";
import { picked, summaryOf } from "./summary";

describe("what a line comes to", () => {
  it("counts what is known alone", () => {
    expect(summaryOf([null, 2, 4, null])).toEqual({ least: 2, mean: 3, most: 4 });
  });
  it("is not known where nothing is", () => {
    expect(summaryOf([null, null])).toBeNull();
    expect(summaryOf([])).toBeNull();
  });
});

it("shows all of few moments, and some of many, the newest first", () => {
  expect(picked(3, 60)).toEqual([2, 1, 0]);
  expect(picked(0, 60)).toEqual([]);
  const some = picked(1000, 60);
  expect(some[0]).toBe(999);
  expect(some.length).toBeLessThanOrEqual(60);
  expect(new Set(some.slice(1).map((at, nth) => (some[nth] ?? 0) - at)).size).toBe(1);
});
