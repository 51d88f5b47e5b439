import { describe, expect, it } from "vitest";

import { durationOf, environmentOf, linesOf, sizeOf, wholeOf } from "./quantities";

describe("sizeOf", () => {
  it.each([
    ["20GiB", 20 * 2 ** 30],
    ["20g", 20 * 2 ** 30],
    ["20GB", 20e9],
    ["1.5 TiB", 1.5 * 2 ** 40],
    ["512", 512],
    [" ", null],
  ])("%j", (text, bytes) => {
    expect(sizeOf(text)).toBe(bytes);
  });

  it.each(["20 GiBs", "-1G", "1e9", "lots", "0"])("%j is none", (text) => {
    expect(() => sizeOf(text)).toThrow();
  });
});

describe("durationOf", () => {
  it.each([
    ["90", 90],
    ["90s", 90],
    ["10m", 600],
    ["10 min", 600],
    ["1h30m", 5400],
    ["1d 12h", 129_600],
    ["0.5h", 1800],
    ["", null],
  ])("%j", (text, seconds) => {
    expect(durationOf(text)).toBe(seconds);
  });

  it.each(["0", "0h", "2 weeks", "h", "1h30"])("%j is none", (text) => {
    expect(() => durationOf(text)).toThrow();
  });
});

it("wholeOf keeps to its bounds", () => {
  expect(wholeOf(" 8 ", 1, 10)).toBe(8);
  expect(wholeOf("", 1, 10)).toBeNull();
  expect(() => wholeOf("1.5", 1, 10)).toThrow("1 to 10");
  expect(() => wholeOf("11", 1, 10)).toThrow();
});

it("linesOf", () => {
  expect(linesOf(" a \n\n b")).toEqual(["a", "b"]);
});

describe("environmentOf", () => {
  it("keeps values as they are", () => {
    expect(environmentOf("A=1\n\n# no\n B = x=y \nC=")).toEqual({ A: "1", B: " x=y ", C: "" });
  });

  it.each(["A", "1A=2", "A=1\nA=2", "=x"])("%j is none", (text) => {
    expect(() => environmentOf(text)).toThrow();
  });
});
