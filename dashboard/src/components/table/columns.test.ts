import { expect, it } from "vitest";
import { compare, orderFrom, orderTo } from "./columns";

it("orders as people count", () => {
  expect(["n10", "N9", "n1"].sort(compare)).toEqual(["n1", "N9", "n10"]);
  expect([10, 9, -1].sort(compare)).toEqual([-1, 9, 10]);
});
it.each([["-held"], ["name"], [""]])("%j is written as it is read", (text) => {
  expect(orderTo(orderFrom(text))).toBe(text);
});
