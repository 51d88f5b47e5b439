import { expect, it } from "vitest";
import { draftFrom, draftText } from "./draft";
import { EMPTY } from "./job-form";

it("comes back as it was, without variables", () => {
  const form = { ...EMPTY, command: "python a.py", gpus: "4", pty: true, environment: "KEY=secret" };
  const text = draftText(form);
  expect(text).not.toContain("secret");
  expect(draftFrom(text)).toEqual({ ...form, environment: "" });
});

it("is nothing where nothing was typed", () => {
  expect(draftText(EMPTY)).toBeNull();
  expect(draftText({ ...EMPTY, environment: "KEY=secret" })).toBeNull();
});

it.each([null, "", "{", "3", '{"colour":"red"}', '{"gpus":4}'])("%s is no draft", (text) => {
  expect(draftFrom(text)).toBeNull();
});
