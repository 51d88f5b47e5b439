import { describe, expect, it } from "vitest";
import { hides, moved, NEW_ROUTE, shares, taken, wrongInhibition, wrongRoute } from "./routing";
import { alert } from "./sample";

const urgent = { ...NEW_ROUTE, name: "urgent", channels: ["pager"], matches: { severity: ["critical"] } };
const rest = { ...NEW_ROUTE, name: "rest", channels: ["chat"] };
const bad = alert({ severity: "critical" });

describe("the order", () => {
  it("changes as one is moved, and not beyond the ends", () => {
    expect(moved(["a", "b", "c"], 2, 0)).toEqual(["c", "a", "b"]);
    expect(moved(["a", "b", "c"], 0, 1)).toEqual(["b", "a", "c"]);
    expect(moved(["a"], 0, 1)).toEqual(["a"]);
  });
  it("decides who takes what", () => {
    expect(taken(bad, [urgent, rest])).toEqual(["urgent"]);
    expect(taken(bad, [{ ...urgent, goes_on: true }, rest])).toEqual(["urgent", "rest"]);
    expect(taken(alert(), [urgent])).toEqual([]);
  });
  it("hides what comes after a route that takes all", () => {
    expect(hides([rest, urgent], 0)).toBe(true);
    expect(hides([urgent, rest], 0)).toBe(false);
    expect(hides([{ ...rest, goes_on: true }, urgent], 0)).toBe(false);
    expect(hides([urgent, rest], 1)).toBe(false);
  });
});

it("counts who would be told by which, and of whom nobody would", () => {
  expect(shares([bad, alert()], [urgent])).toEqual({ each: [1], nobody: 1 });
});

it("says what is wrong with a route", () => {
  const channels = new Set(["pager", "chat"]);
  expect(wrongRoute(urgent, 0, [urgent], channels)).toBeNull();
  expect(wrongRoute({ ...urgent, name: "" }, 0, [], channels)).toContain("name");
  expect(wrongRoute(urgent, 1, [urgent, urgent], channels)).toContain("Another");
  expect(wrongRoute({ ...urgent, channels: [] }, 0, [], channels)).toContain("nowhere");
  expect(wrongRoute({ ...urgent, channels: ["gone"] }, 0, [], channels)).toContain("gone");
});

it("says what is wrong with an inhibition", () => {
  const good = { name: "rack", source: { rule: ["power"] }, target: { rule: ["silent"] }, equal: ["rack"] };
  expect(wrongInhibition(good, 0, [good])).toBeNull();
  expect(wrongInhibition({ ...good, target: {} }, 0, [good])).toContain("kept quiet");
  expect(wrongInhibition({ ...good, source: {} }, 0, [good])).toContain("has to fire");
});
