import { expect, it } from "vitest";
import { exact } from "../../data/format/moment";
import { sentence } from "./reason-words";

it("begins with a capital", () => {
  expect(sentence("the freest node")).toBe("The freest node");
  expect(sentence("exit code 1")).toBe("Exit code 1");
  expect(sentence("")).toBe("");
});

it("leaves names as they are", () => {
  expect(sentence("desk has no GPU free")).toBe("desk has no GPU free");
  expect(sentence("the-node is full")).toBe("the-node is full");
});

it("has moments as readers have them", () => {
  const at = "2026-11-27T00:39:00.000Z";
  expect(sentence(`kept from ${at}, and on`)).toBe(`Kept from ${exact(Date.parse(at))}, and on`);
});
