import { expect, it } from "vitest";
import { everyPage } from "./every-page";

it("goes on after each page, and stops at the last", async () => {
  const asked: (string | null)[] = [];
  const found = await everyPage((after) => {
    asked.push(after);
    return Promise.resolve(after === null ? { items: [1, 2], next: "b" } : { items: [3], next: null });
  });
  expect(found).toEqual({ items: [1, 2, 3], more: false });
  expect(asked).toEqual([null, "b"]);
});

it("says where it stopped before the end", async () => {
  const found = await everyPage(() => Promise.resolve({ items: [1], next: "on" }), 3);
  expect(found).toEqual({ items: [1, 1, 1], more: true });
});
