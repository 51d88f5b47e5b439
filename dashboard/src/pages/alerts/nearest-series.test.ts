import { expect, it } from "vitest";
import type { Fired } from "../../data/alerting";
import { extremeOf, spansOf } from "./nearest-series";

const series = [
  { labels: { node: "a" }, points: [[0, 70], [60, null], [120, 81]] as [number, number | null][] },
  { labels: { node: "b" }, points: [[0, 12], [60, 79]] as [number, number | null][] },
  { labels: { node: "c" }, points: [[0, null]] as [number, number | null][] },
];

it("finds the greatest and the least, whatever is unknown between", () => {
  expect(extremeOf(series, "max")).toMatchObject({ node: "a", value: 81 });
  expect(extremeOf(series, "min")).toMatchObject({ node: "b", value: 12 });
});
it("finds nothing where nothing is known", () => {
  expect(extremeOf(series.slice(2), "max")).toBeNull();
  expect(extremeOf([{ labels: {}, points: [[0, 1]] }], "max")?.node).toBe("");
});
it("lets what fires still last until the end", () => {
  const fired: Fired[] = [
    { labels: {}, state: "firing", began: "1970-01-01T00:01:00Z", ended: "1970-01-01T00:02:00Z", peak: 1 },
    { labels: {}, state: "firing", began: "1970-01-01T00:05:00Z", ended: null, peak: 1 },
  ];
  expect(spansOf(fired, "1970-01-01T00:10:00Z")).toEqual([[60, 120], [300, 600]]);
});
