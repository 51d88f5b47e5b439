import { describe, expect, it } from "vitest";
import { bytes, duration, grouped, quantity, said } from "./quantity";

describe("figures", () => {
  it.each([
    [0, "0", "B"],
    [1023, "1023", "B"],
    [1024, "1", "KiB"],
    [80 * 2 ** 30, "80", "GiB"],
    [79.6 * 2 ** 30, "79.6", "GiB"],
    [1023.9 * 2 ** 30, "1.0", "TiB"],
    [-1536, "−1.5", "KiB"],
  ])("%f bytes", (value, text, unit) => {
    expect(bytes(value)).toEqual({ value: text, unit });
  });
  it.each([
    [0, "0s"],
    [59.6, "1m"],
    [72, "1m 12s"],
    [3600, "1h"],
    [90_061, "1d 1h"],
    [86_400 + 59, "1d"],
    [-5, "0s"],
  ])("%f seconds", (value, text) => {
    expect(duration(value)).toBe(text);
  });
  it("what is not nothing is not shown as nothing", () => {
    expect(said(quantity(0.2, "percent"))).toBe("<1\u00a0%");
    expect(said(quantity(0, "percent"))).toBe("0\u00a0%");
  });
  it("groups thousands", () => {
    expect(grouped(1_234_567)).toBe("1\u202f234\u202f567");
    expect(said(quantity(3, "count"))).toBe("3");
  });
});
