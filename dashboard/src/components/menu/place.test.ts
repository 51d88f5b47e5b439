import { expect, it } from "vitest";
import { placeOf } from "./place";

const VIEW = { width: 1000, height: 800 };
const BOX = { width: 200, height: 300 };

it("stands beneath, ends aligned", () => {
  expect(placeOf({ right: 900, top: 10, bottom: 42 }, BOX, VIEW)).toEqual({ left: 700, top: 46 });
});
it("stands above where there is no room beneath", () => {
  expect(placeOf({ right: 900, top: 700, bottom: 732 }, BOX, VIEW).top).toBe(396);
});
it("stays within the window", () => {
  expect(placeOf({ right: 50, top: 10, bottom: 42 }, BOX, VIEW).left).toBe(8);
  expect(placeOf({ right: 1100, top: 10, bottom: 42 }, BOX, VIEW).left).toBe(792);
  expect(placeOf({ right: 900, top: 100, bottom: 132 }, { width: 200, height: 780 }, VIEW).top).toBe(136);
});
