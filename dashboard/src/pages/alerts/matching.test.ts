import { describe, expect, it } from "vitest";
import { factsOf, fits, readMatches, writeMatches } from "./matching";
import { alert } from "./sample";

describe("matchers as text", () => {
  it("reads labels, and the same label again as either", () => {
    expect(readMatches("node=gpu01  node=gpu02 rule=gpu-*")).toEqual({
      matches: { node: ["gpu01", "gpu02"], rule: ["gpu-*"] }, wrong: null,
    });
  });

  it("says what is no matcher", () => {
    expect(readMatches("node gpu01").wrong).toContain("node");
    expect(readMatches("1node=x").wrong).toContain("1node");
  });

  it("reads what it wrote, blanks and quotes included", () => {
    const matches = { team: ['a "b" c\\d', ""], node: ["gpu01"] };
    expect(readMatches(writeMatches(matches)).matches).toEqual(matches);
  });

  it("keeps an equals sign within a value", () => {
    expect(readMatches("job=a=b").matches).toEqual({ job: ["a=b"] });
  });
});

describe("whom they mean", () => {
  const facts = factsOf(alert());
  it("needs every label, and one value of each", () => {
    expect(fits({ node: ["gpu01", "gpu02"], severity: ["warning"] }, facts)).toBe(true);
    expect(fits({ node: ["gpu01"], severity: ["critical"] }, facts)).toBe(false);
  });
  it("takes a star for a beginning, at the end alone", () => {
    expect(fits({ rule: ["gpu-*"] }, facts)).toBe(true);
    expect(fits({ rule: ["*hot"] }, facts)).toBe(false);
  });
  it("takes a label that is not there as empty", () => {
    expect(fits({ rack: [""] }, facts)).toBe(true);
    expect(fits({ rack: ["r1"] }, facts)).toBe(false);
  });
  it("means everybody when it says nothing", () => expect(fits({}, facts)).toBe(true));
});
