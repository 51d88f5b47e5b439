import { describe, expect, it } from "vitest";
import { boundsOf, pointAt, runsOf } from "./strips";

describe("runsOf", () => {
  it("joins what has the same colour, and shows what was not measured as unknown", () => {
    const runs = runsOf([0, 10, 20, 40], [5, 6, 99, null], 10, [0, 50], [0, 100]);
    expect(runs).toEqual([
      { from: 0, to: 0.4, step: 0 },
      { from: 0.4, to: 0.6, step: 9 },
      { from: 0.6, to: 1, step: null },
    ]);
  });

  it("does not call the step unknown that has only just begun", () => {
    expect(runsOf([0, 10], [50, 50], 10, [0, 30], [0, 100]).at(-1)).toEqual({ from: 0, to: 20 / 30, step: 5 });
  });

  it("says of a time of which nothing is known that nothing is", () => {
    expect(runsOf([], [], 10, [0, 100], [0, 100])).toEqual([{ from: 0, to: 1, step: null }]);
  });

  it("keeps within what is shown", () => {
    const runs = runsOf([0, 100], [10, 90], 100, [50, 150], [0, 100]);
    expect(runs.map((one) => [one.from, one.to])).toEqual([
      [0, 0.5],
      [0.5, 1],
    ]);
  });
});

it("takes the scale of what there can be, else of what there was", () => {
  expect(boundsOf("percent", 100, [])).toEqual([0, 100]);
  expect(boundsOf("celsius", null, [])).toEqual([30, 90]);
  expect(boundsOf("watts", null, [{ label: "a", values: [null, 700], before: false }])).toEqual([0, 700]);
  expect(boundsOf("watts", null, [])).toEqual([0, 1]);
});

it("finds the point that speaks of a moment", () => {
  expect(pointAt([0, 10, 20], 15, 10)).toBe(1);
  expect(pointAt([0, 10, 20], 500, 10)).toBeNull();
  expect(pointAt([], 5, 10)).toBeNull();
});
