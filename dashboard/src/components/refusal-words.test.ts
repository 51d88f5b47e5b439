import { describe, expect, it } from "vitest";
import { LinkLost, Refused } from "../data/refusal";
import { nextStep, pieces, sentence } from "./refusal-words";

describe("what to do next", () => {
  it("is what the controller says", () => {
    expect(nextStep(new Refused(403, "forbidden", "no", "ask bob"), true)).toBe("ask bob");
  });
  it.each([401, 403, 429, 500, 502, 503, 504])("is said for a bare %i, too", (status) => {
    expect(nextStep(new Refused(status, "about:blank", "no", ""), true)).not.toBe("");
  });
  it("does not promise that what changes something is tried again", () => {
    expect(nextStep(new LinkLost("gone"), true)).toContain("by itself");
    expect(nextStep(new LinkLost("gone"), false)).not.toContain("by itself");
  });
});

it("makes sentences", () => {
  expect(sentence("no such job")).toBe("No such job.");
  expect(sentence("Run `sentinel up`")).toBe("Run `sentinel up`");
  expect(sentence("http://127.0.0.1:1 does not answer")).toBe("http://127.0.0.1:1 does not answer.");
});

it("tells what is to be typed from what is said", () => {
  expect(pieces("run `sentinel up`, then wait")).toEqual([
    { text: "run ", code: false },
    { text: "sentinel up", code: true },
    { text: ", then wait", code: false },
  ]);
  expect(pieces("a lone ` means nothing")).toEqual([{ text: "a lone ` means nothing", code: false }]);
});
