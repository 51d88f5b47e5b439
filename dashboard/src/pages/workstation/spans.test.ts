import { expect, it } from "vitest";
import { since, spanWords } from "./spans";

it.each([
  [5, "less than a minute"],
  [60, "a minute"],
  [1500, "25 minutes"],
  [5000, "83 minutes"],
  [3 * 3600 + 60, "3 hours"],
  [40 * 3600, "2 days"],
  [30 * 3600, "30 hours"],
])("%i seconds are %s", (seconds, words) => {
  expect(spanWords(seconds)).toBe(words);
});

it("says nothing of a time that is not known, and nothing negative", () => {
  expect(since(null, 0)).toBeNull();
  expect(since("soon", 0)).toBeNull();
  expect(since("1970-01-01T01:00:00Z", 0)).toBe("less than a minute");
});
