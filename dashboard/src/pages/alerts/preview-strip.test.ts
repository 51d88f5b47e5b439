import { expect, it } from "vitest";
import type { Fired, Preview } from "../../data/alerting";
import { MOST_ROWS, sayTimes, strip, whereOf } from "./preview-strip";

const fired = (node: string, began: string, ended: string | null): Fired => ({ labels: { node, gpu: "0" }, state: "firing", began, ended, peak: 91 });
const preview = (all: Fired[]): Preview => ({
  since: "2026-11-19T00:00:00.000Z", until: "2026-11-26T00:00:00.000Z", step: 60, says: "", times: all.length,
  series: 2, brief: 0, points: 10, unknown: 0, fired: all,
});

it("has each series in a row, the one that fired last first", () => {
  const found = strip(preview([fired("a", "2026-11-20T00:00:00.000Z", "2026-11-21T00:00:00.000Z"), fired("b", "2026-11-25T00:00:00.000Z", null), fired("a", "2026-11-22T00:00:00.000Z", "2026-11-22T00:01:00.000Z")]));
  expect(found.rows.map((row) => [row.where, row.marks.length])).toEqual([["b · GPU 0", 1], ["a · GPU 0", 2]]);
  expect(found.rows[1]?.marks[0]?.left).toBeCloseTo(1 / 7);
  expect(found.rows[1]?.marks[0]?.width).toBeCloseTo(1 / 7);
  expect(found.rows[0]?.marks[0]).toMatchObject({ left: 6 / 7 });
  expect((found.rows[0]?.marks[0]?.left ?? 0) + (found.rows[0]?.marks[0]?.width ?? 0)).toBeCloseTo(1);
});
it("shows what was short, too", () => {
  const mark = strip(preview([fired("a", "2026-11-22T00:00:00.000Z", "2026-11-22T00:01:00.000Z")])).rows[0]?.marks[0];
  expect(mark?.width).toBe(0.004);
});
it("counts the series that have no row", () => {
  const many = Array.from({ length: MOST_ROWS + 3 }, (_, nth) => fired(`n${nth}`, "2026-11-22T00:00:00.000Z", null));
  expect(strip(preview(many))).toMatchObject({ more: 3 });
});
it("marks every midnight within", () => expect(strip(preview([])).days.length).toBeGreaterThanOrEqual(6));
it("says where", () => {
  expect(whereOf({ node: "n1", gpu: "3", uuid: "GPU-1", sku: "A40" })).toBe("n1 · GPU 3");
  expect(whereOf({ state: "lost" })).toBe("state=lost");
  expect(whereOf({})).toBe("the whole cluster");
});
it("says how often", () => expect([0, 1, 2, 3].map(sayTimes)).toEqual(["not once", "once", "twice", "3 times"]));
