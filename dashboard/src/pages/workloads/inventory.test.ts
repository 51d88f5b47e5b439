import { describe, expect, it } from "vitest";
import { aWorkload } from "../workstation/samples";
import { questionsOf, sourceWords, trustsOf } from "./evidence";
import { asKnown, choicesOf, filtered, indicesText, isStray, ownerOf, UNKNOWN_OWNER } from "./inventory";

const ANY = { text: "", node: "", owner: "", origin: "", state: "", strays: false };

describe("filtered", () => {
  const all = [
    aWorkload({ id: "a", image: "pytorch/pytorch" }),
    aWorkload({ id: "b", user: null, node: "n2" }),
    aWorkload({ id: "c", managed: true }),
  ];

  it("needs each word to be somewhere", () => {
    expect(filtered(all, { ...ANY, text: "PYTORCH  bob" }).map((one) => one.id)).toEqual(["a"]);
    expect(filtered(all, { ...ANY, text: "pytorch ana" })).toEqual([]);
  });

  it("finds those whose owner is unknown", () => {
    expect(filtered(all, { ...ANY, owner: UNKNOWN_OWNER }).map((one) => one.id)).toEqual(["b"]);
  });

  it("can leave only what was not queued", () => {
    expect(filtered(all, { ...ANY, strays: true }).map((one) => one.id)).toEqual(["a", "b"]);
  });
});

it("calls none a stray of which it is not known whether it was queued, or that has no GPU", () => {
  expect(isStray(aWorkload({ managed: null }))).toBe(false);
  expect(isStray(aWorkload({ gpus: null }))).toBe(false);
  expect(isStray(aWorkload({ state: "exited" }))).toBe(false);
});

it("knows nothing of how workloads of a silent node stand", () => {
  const all = [aWorkload({}), aWorkload({ node: "n2", gpu_memory_bytes: 5 })];
  const found = asKnown(all, new Set(["n2"]));
  expect(found.map((one) => one.state)).toEqual(["running", "unknown"]);
  expect(found[1]?.gpu_memory_bytes).toBeNull();
  expect(asKnown(all, new Set())).toBe(all);
});

it("counts choices", () => {
  expect(choicesOf([aWorkload({}), aWorkload({}), aWorkload({ user: "ana" })], ownerOf)).toEqual([
    ["ana", 1],
    ["bob", 2],
  ]);
});

it("writes indices as runs", () => {
  expect(indicesText([3, 1, 2, 0, 6, 8, 9])).toBe("0–3, 6, 8, 9");
  expect(indicesText([])).toBe("");
  expect(indicesText(null)).toBeNull();
});

it("says where evidence was read, and leaves alone what it does not know", () => {
  expect(sourceWords("label:ds01.user")).toBe("label ds01.user");
  expect(sourceWords("login-uid")).toBe("user who logged in");
  expect(sourceWords("something-new")).toBe("something-new");
  expect(questionsOf(aWorkload({ user: null }))[0]?.none).toBe("Nothing tells.");
});

it("explains only the kinds of evidence that there are, the hardest to forge first", () => {
  const piece = (trust: "kernel" | "declared") => ({ value: "v", source: "s", trust, detail: "" });
  expect(trustsOf(aWorkload({ user_evidence: [piece("declared"), piece("kernel")], gpu_evidence: [piece("kernel")] }))).toEqual(["kernel", "declared"]);
  expect(trustsOf(aWorkload({}))).toEqual([]);
});
