import { describe, expect, it } from "vitest";
import { afterBreak, afterHearing, afterWaiting, pauseBefore, PATIENCE, START } from "./link";

describe("the link", () => {
  it("is lost since it was last heard, not since that was noticed", () => {
    const up = afterHearing(START, 1000);
    expect(afterBreak(up, 9000)).toEqual({ kind: "lost", since: 1000, heardAt: 1000 });
  });
  it("keeps the first time while it stays lost", () => {
    const lost = afterBreak(afterHearing(START, 1000), 2000);
    expect(afterBreak(lost, 90_000)).toBe(lost);
    expect(afterWaiting(lost, 90_000)).toBe(lost);
  });
  it("is lost by silence alone", () => {
    const up = afterHearing(START, 0);
    expect(afterWaiting(up, PATIENCE)).toBe(up);
    expect(afterWaiting(up, PATIENCE + 1).kind).toBe("lost");
  });
  it("never heard is not heard at some time", () => {
    expect(afterBreak(START, 5)).toEqual({ kind: "lost", since: 5, heardAt: null });
    expect(afterWaiting(START, 1e9)).toBe(START);
  });
});

it("pauses grow, stay spread and end growing", () => {
  expect([1, 2, 3, 9, 99].map((tries) => pauseBefore(tries, 1))).toEqual([500, 1000, 2000, 5000, 5000]);
  expect(pauseBefore(3, 0)).toBe(1000);
});
