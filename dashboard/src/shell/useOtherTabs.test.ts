import { expect, it } from "vitest";
import { heedOf } from "./useOtherTabs";

it.each([
  ["ann", "ann", "nothing"],
  ["ann", "", "ask"],
  ["", "ann", "ask"],
  ["ann", "bob", "reload"],
])("%j here, %j there: %s", (own, other, heed) => {
  expect(heedOf(own, other)).toBe(heed);
});
