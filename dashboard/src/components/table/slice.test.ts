import { expect, it } from "vitest";
import { MANY, ROW, sliceOf } from "./slice";

it("draws all of a short table, wherever it stands", () => {
  expect(sliceOf(MANY, 5000, 100)).toEqual({ from: 0, to: MANY });
});
it("draws what can be seen of a long one", () => {
  const { from, to } = sliceOf(8000, 1000 * ROW, 20 * ROW);
  expect(from).toBeLessThan(1000);
  expect(from).toBeGreaterThan(950);
  expect(to).toBeGreaterThanOrEqual(1020);
  expect(to).toBeLessThan(1060);
});
it("ends with the table", () => {
  expect(sliceOf(300, 1e9, 500).to).toBe(300);
  expect(sliceOf(300, 1e9, 500).from).toBeLessThan(300);
});
