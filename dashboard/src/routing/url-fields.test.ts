import { describe, expect, it } from "vitest";
import { flag, list, number, oneOf, searchWith, text } from "./url-fields";

describe("fields of an address", () => {
  it("fall back to what is usual", () => {
    expect(oneOf(["a", "b"], "a").read(["zzz"])).toBe("a");
    expect(number(5).read(["zzz"])).toBe(5);
    expect(number(5).read([""])).toBe(5);
    expect(text("x").read([])).toBe("x");
    expect(flag().read(["yes"])).toBe(false);
  });
  it("leave out what is usual", () => {
    expect(oneOf(["a", "b"], "a").write("a")).toEqual([]);
    expect(oneOf(["a", "b"], "a").write("b")).toEqual(["b"]);
    expect(text("x").write("")).toEqual([""]);
    expect(number(5).write(0)).toEqual(["0"]);
  });
  it("may be many", () => {
    expect(list().read(["a", "", "b"])).toEqual(["a", "b"]);
  });
});

it("others stay as they are", () => {
  expect(searchWith("?a=1&b=2&b=3", { b: [], c: ["x y"] })).toBe("?a=1&c=x+y");
  expect(searchWith("?a=1", { a: [] })).toBe("");
});
