import { expect, it } from "vitest";
import type { Job } from "../../data/shapes";
import { byReason, foldedIn, inSight, type Row } from "./reasons";

function row(place: number, reason: string): Row {
  return { place, job: { id: String(place), reason } as unknown as Job };
}

it("puts those together that wait for the same, in the order of the line", () => {
  const groups = byReason([row(1, "full"), row(2, "quota"), row(3, "full")]);
  expect(groups.map(({ reason, rows }) => [reason, rows.map(({ place }) => place)])).toEqual([
    ["full", [1, 3]],
    ["quota", [2]],
  ]);
});

it("says something of those that have no reason yet", () => {
  expect(byReason([row(1, "")])[0]?.reason).not.toBe("");
});

it("folds only where that saves something", () => {
  expect([inSight(3), inSight(10), inSight(11), inSight(120)]).toEqual([3, 10, 8, 8]);
});

it("shows those that are in sight by their place", () => {
  const many = Array.from({ length: 20 }, (_, at) => row(at * 2 + 1, "full"));
  const seen = foldedIn(byReason([...many, row(4, "quota")]));
  expect(seen.map(({ place }) => place)).toEqual([1, 3, 4, 5, 7, 9, 11, 13, 15]);
});
