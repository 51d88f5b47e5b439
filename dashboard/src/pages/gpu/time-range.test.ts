import { describe, expect, it } from "vitest";
import { fixedText, localText, rangeOf, shiftOf, stepOf, typedRange } from "./time-range";

const NOW = 1_800_000_000;

describe("rangeOf", () => {
  it("moves with now, or stands still", () => {
    expect(rangeOf("1h", NOW)).toEqual({ span: "1h", start: NOW - 3600, end: NOW });
    expect(rangeOf("1799990000-1799995000", NOW)).toEqual({ span: null, start: 1799990000, end: 1799995000 });
  });

  it("shows nothing of the future", () => {
    expect(rangeOf(`${NOW - 600}-${NOW + 600}`, NOW).end).toBe(NOW);
  });

  it("takes the default for what it cannot be", () => {
    for (const text of ["", "soon", "5-1", "1800000100-1800000900", "1-2"]) {
      expect(rangeOf(text, NOW).span).toBe("6h");
    }
  });
});

it("makes a range of a drag in either direction, never of nothing", () => {
  expect(fixedText(200.4, 100.6)).toBe("100-201");
  expect(fixedText(100, 101)).toBe("100-160");
  expect(rangeOf(fixedText(NOW - 500, NOW - 500), NOW).span).toBeNull();
});

it("compares with the time before, a day or a week earlier", () => {
  const range = rangeOf("1h", NOW);
  expect(shiftOf("before", range)).toBe(3600);
  expect(shiftOf("day", range)).toBe(86_400);
  expect(shiftOf("", range)).toBeNull();
});

it("asks for about 300 points", () => {
  expect(stepOf(rangeOf("15m", NOW))).toBe(10);
  expect(stepOf(rangeOf("6h", NOW))).toBe(120);
  expect(stepOf(rangeOf("30d", NOW))).toBe(10_800);
});

describe("a range that is typed", () => {
  const now = 1_800_000_000;

  it("is read back as it was written", () => {
    const found = typedRange(localText(now - 7200), localText(now - 3600), now);
    expect(found).toEqual({ text: `${now - 7200}-${now - 3600}` });
  });

  it("says what is wrong with it", () => {
    expect(typedRange("", localText(now), now)).toHaveProperty("wrong");
    expect(typedRange(localText(now), localText(now - 60), now)).toHaveProperty("wrong");
    expect(typedRange(localText(now + 60), localText(now + 600), now)).toHaveProperty("wrong");
  });
});
