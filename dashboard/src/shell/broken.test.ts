import { expect, it } from "vitest";
import { cureOf } from "./broken";

const GONE = "Failed to fetch dynamically imported module: https://host/assets/JobsPage-abc.js";
const NOW = 1_000_000;

it.each([
  ["parts that are gone are loaded anew", GONE, { lost: false, reloadedAt: null }, "reload"],
  ["as other browsers say it", "Importing a module script failed.", { lost: false, reloadedAt: null }, "reload"],
  ["once, and not for ever", GONE, { lost: false, reloadedAt: NOW - 5000 }, "say"],
  ["but again after the next update", GONE, { lost: false, reloadedAt: NOW - 3_600_000 }, "reload"],
  ["not while nobody answers", GONE, { lost: true, reloadedAt: null }, "wait"],
  ["a fault of the page stays", "x is undefined", { lost: false, reloadedAt: null }, "say"],
])("%s", (_, message, state, cure) => {
  expect(cureOf(message, { ...state, now: NOW })).toBe(cure);
});
