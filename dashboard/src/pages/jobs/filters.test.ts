import { expect, it } from "vitest";
import { sameStates, SETS, statesIn, toggled } from "./filters";

it("takes from an address what is a state", () => {
  expect(statesIn(["running", "QUEUED", "nonsense", ""])).toEqual(["QUEUED", "RUNNING"]);
});

it("toggles one", () => {
  expect(toggled(["QUEUED"], "RUNNING")).toEqual(["QUEUED", "RUNNING"]);
  expect(toggled(["QUEUED", "RUNNING"], "QUEUED")).toEqual(["RUNNING"]);
});

it("has every state in a set", () => {
  expect(SETS.flatMap((one) => one.states).length).toBe(8);
  expect(sameStates(["QUEUED", "RUNNING"], ["RUNNING", "QUEUED"])).toBe(true);
  expect(sameStates(["QUEUED"], [])).toBe(false);
});
