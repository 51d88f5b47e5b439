import { expect, it } from "vitest";
import { leadsAway } from "./leads-away";

const press = { button: 0, metaKey: false, ctrlKey: false, shiftKey: false, altKey: false, defaultPrevented: false };
const here = { href: "https://s.example/alerts/routes?a=1", origin: "https://s.example" };
const link = (href: string, target = "") => ({ href: new URL(href, here.href).href, target });

it("is a plain click to another view", () => {
  expect(leadsAway(link("/jobs?state=RUNNING"), press, here)).toBe("/jobs?state=RUNNING");
  expect(leadsAway(link("/alerts/routes?a=2"), press, here)).toBe("/alerts/routes?a=2");
});
it("is none that stays, opens elsewhere, or was taken already", () => {
  expect(leadsAway(link("/alerts/routes?a=1#main"), press, here)).toBeNull();
  expect(leadsAway(link("/jobs"), { ...press, ctrlKey: true }, here)).toBeNull();
  expect(leadsAway(link("/jobs"), { ...press, button: 1 }, here)).toBeNull();
  expect(leadsAway(link("/jobs"), { ...press, defaultPrevented: true }, here)).toBeNull();
  expect(leadsAway(link("/jobs", "_blank"), press, here)).toBeNull();
  expect(leadsAway(link("https://other.example/"), press, here)).toBeNull();
});
