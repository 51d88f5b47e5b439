import { describe, expect, it } from "vitest";
import { exact, momentOf, relative } from "./moment";

describe("moments", () => {
  const now = 1_000_000_000_000;
  it.each([
    [now, "just now"],
    [now - 8_000, "8s ago"],
    [now - 72_000, "1m 12s ago"],
    [now - 125_000, "2m ago"],
    [now + 3 * 3600_000 + 60_000, "in 3h"],
    [now - 86_400_000 - 3600_000, "1d 1h ago"],
  ])("%i", (at, text) => {
    expect(relative(at, now)).toBe(text);
  });
  it("are read from both forms", () => {
    expect(momentOf("1970-01-01T00:00:01Z")).toBe(1000);
    expect(momentOf(5)).toBe(5);
    expect(momentOf("soon")).toBeNull();
  });
  it("are exact with their zone", () => {
    expect(exact(0)).toMatch(/^19(70|69)-\d\d-\d\d \d\d:\d\d:\d\d UTC/);
  });
});
