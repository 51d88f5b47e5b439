import { expect, it } from "vitest";
import { keep, kept } from "./draft-store";

function storage(): Pick<Storage, "getItem" | "setItem" | "removeItem"> {
  const there = new Map<string, string>();
  return {
    getItem: (key) => there.get(key) ?? null,
    setItem: (key, value) => void there.set(key, value),
    removeItem: (key) => void there.delete(key),
  };
}

it("keeps a draft until it is dropped", () => {
  const place = storage();
  expect(kept("routes", place)).toBeNull();
  keep("routes", { draft: { routes: [1] }, base: "[]" }, place);
  expect(kept("routes", place)).toEqual({ draft: { routes: [1] }, base: "[]" });
  expect(kept("rules", place)).toBeNull();
  keep("routes", null, place);
  expect(kept("routes", place)).toBeNull();
});
it("takes what cannot be read for no draft, and does without a place to keep it", () => {
  const broken = { getItem: () => "{half" };
  expect(kept("routes", broken)).toBeNull();
  expect(kept("routes", { getItem: () => '{"draft":1,"base":"x"}' })).toBeNull();
  const full = { setItem: () => { throw new Error("full"); }, removeItem: () => undefined };
  expect(() => keep("routes", { draft: {}, base: "" }, full)).not.toThrow();
});
