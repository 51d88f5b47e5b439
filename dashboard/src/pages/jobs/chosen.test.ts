import { expect, it } from "vitest";
import { stillChosen, withAll, withOne } from "./chosen";

it("takes one in, and out again", () => {
  const one = withOne(new Set<string>(), "a");
  expect([...one]).toEqual(["a"]);
  expect([...withOne(one, "a")]).toEqual([]);
});

it("takes all in, and leaves those that are not in sight alone", () => {
  expect([...withAll(new Set(["z"]), ["a", "b"], true)]).toEqual(["z", "a", "b"]);
  expect([...withAll(new Set(["z", "a"]), ["a", "b"], false)]).toEqual(["z"]);
});

it("acts on nothing that has ended meanwhile", () => {
  const jobs = [
    { id: "a", open: true },
    { id: "b", open: false },
    { id: "c", open: true },
  ];
  expect(stillChosen(new Set(["a", "b", "x"]), jobs, ({ open }) => open).map(({ id }) => id)).toEqual(["a"]);
});
