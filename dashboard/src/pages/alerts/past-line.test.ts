import { describe, expect, it } from "vitest";
import { badSide, gapsOf, nearest, pathOf, scaleOf, xOf, yOf } from "./past-line";

const scale = { start: 0, end: 100, low: 0, high: 50 };

it("has the threshold within, and some air", () => {
  const found = scaleOf([[0, 40], [10, null], [20, 60]], 88, 0, 20);
  expect(found.high).toBeGreaterThan(88);
  expect(found.low).toBeLessThan(40);
});
it("does not go below zero where no value does, and is not flat", () => {
  expect(scaleOf([[0, 0]], 1, 0, 1).low).toBe(0);
  const flat = scaleOf([[0, 1]], 1, 0, 1);
  expect(flat.high).toBeGreaterThan(flat.low);
});
it("puts points where they belong", () => {
  expect([xOf(50, scale), yOf(0, scale), yOf(50, scale)]).toEqual([500, 100, 0]);
});

describe("what is unknown", () => {
  it("breaks the line off, and a lone point is seen", () => {
    expect(pathOf([[0, 0], [10, 25], [20, null], [30, 50]], scale)).toBe("M0.0 100.00L100.0 50.00M300.0 0.00h2");
  });
  it("is a stretch of its own", () => {
    expect(gapsOf([[0, null], [10, null], [20, 1], [90, null]], scale)).toEqual([[0, 20], [90, 100]]);
  });
});

it("knows the side that is bad", () => {
  expect(badSide(">", 20, scale)).toEqual([20, 50]);
  expect(badSide("<=", 20, scale)).toEqual([0, 20]);
  expect(badSide("==", 20, scale)).toBeNull();
});

it("finds the nearest point", () => {
  expect(nearest([[0, 1], [10, null]], 6)).toEqual([10, null]);
  expect(nearest([], 6)).toBeNull();
});
