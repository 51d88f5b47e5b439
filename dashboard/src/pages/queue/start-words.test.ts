import { expect, it } from "vitest";
import { whyUnknown } from "./start-words";

it.each([
  ["jobs that run, or are ahead, have no time limit", "no time limits ahead"],
  ["job 0afp4z4hbc (lena) has no time limit", "lena's job has no time limit"],
  ["job 0afp4z4hbc has no time limit", "a job has no time limit"],
  ["not within 150 d; what is further ahead takes too long to work out", "not within 150 d"],
  ["the queue is long: only what is first of its kind is worked out", "only the first are worked out"],
  ["something quite new", "something quite new"],
  ["", ""],
])("%s", (basis, words) => {
  expect(whyUnknown(basis)).toBe(words);
});
