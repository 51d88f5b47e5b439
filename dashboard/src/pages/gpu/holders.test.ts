import { expect, it } from "vitest";
import { holdingsOf } from "./holders";

const LABELS = { user: "ana", origin: "queue" };

it("makes one holding of steps that follow each other, and says which is still going on", () => {
  const points = [
    [0, null],
    [60, 1],
    [120, 1],
    [180, 0],
    [240, 0.5],
    [300, 0.5],
  ] as const;
  expect(holdingsOf([{ labels: LABELS, points }], 60, 360)).toEqual([
    { user: "ana", origin: "queue", job: null, from: 240, to: 360, open: true },
    { user: "ana", origin: "queue", job: null, from: 60, to: 180, open: false },
  ]);
});

it("goes on over one unknown step, and ends at two", () => {
  const one = [
    [0, 1],
    [60, null],
    [120, 1],
    [180, 1],
  ] as const;
  expect(holdingsOf([{ labels: LABELS, points: one }], 60, 600)).toHaveLength(1);
  const two = [
    [0, 1],
    [60, null],
    [120, null],
    [180, 1],
  ] as const;
  expect(holdingsOf([{ labels: LABELS, points: two }], 60, 600)).toHaveLength(2);
});

it("does not invent a user", () => {
  expect(holdingsOf([{ labels: {}, points: [[0, 1]] }], 60, 60)[0]?.user).toBeNull();
});
