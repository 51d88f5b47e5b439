import { expect, it } from "vitest";
import { recentIn, withRecent } from "./recent";

const of = (name: string) => ({ title: name, note: "", to: `/nodes/${name}` });

it("is the newest first, each once, and not many", () => {
  expect(withRecent([of("a"), of("b")], of("b")).map(({ title }) => title)).toEqual(["b", "a"]);
  expect(withRecent(["a", "b", "c", "d", "e"].map(of), of("f"))).toHaveLength(5);
});
it.each([[null], ["nonsense"], ["{}"], ['[1, {"title": "x"}]'], ['[{"title": "x", "note": "", "to": "//evil.example"}]']])(
  "%s is nothing",
  (text) => {
    expect(recentIn(text)).toEqual([]);
  },
);
it("is read as it was kept", () => {
  expect(recentIn(JSON.stringify([of("a")]))).toEqual([of("a")]);
});
