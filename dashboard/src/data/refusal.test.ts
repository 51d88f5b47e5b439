import { describe, expect, it } from "vitest";
import { fieldError, LinkLost, passing, refusal, Refused, trouble } from "./refusal";

const problem = { type: "invalid", title: "x", status: 422, detail: "gpus: too many", hint: "at most 8" };

describe("refusal", () => {
  it("takes over what the controller said", () => {
    const found = refusal(422, { ...problem, errors: [{ field: "gpus", message: "too many" }] });
    expect(found).toMatchObject({ status: 422, kind: "invalid", detail: "gpus: too many", hint: "at most 8" });
    expect(fieldError(found, "gpus")).toBe("too many");
    expect(fieldError(found, "cwd")).toBeUndefined();
  });
  it("says something of an answer that is no problem", () => {
    expect(refusal(502, "<html>").detail).toBe("the controller answered 502");
    expect(refusal(404, null).hint).toBe("");
  });
});

it("only what passes is asked again", () => {
  const of = (status: number) => new Refused(status, "", "", "");
  expect([new LinkLost("x"), of(503), of(429)].map(passing)).toEqual([true, true, true]);
  expect([of(401), of(403), of(404), of(422), of(500), new Error("x")].map(passing)).not.toContain(true);
});

it("whatever else was thrown is a lost link", () => {
  expect(trouble(new TypeError("Failed to fetch"))).toBeInstanceOf(LinkLost);
  expect(trouble("odd").message).toBe("odd");
});
