import { describe, expect, it } from "vitest";
import { alike, hit, layoutOf, moved } from "./layout";

const groups = (count: number, each: number) =>
  Array.from({ length: count }, (_, nth) => ({
    key: `n${nth}`,
    label: `n${nth}`,
    cells: Array.from({ length: each }, (__, at) => nth * each + at),
  }));

describe("where cells stand", () => {
  it.each([
    [128, 8, 1200],
    [1, 1000, 1200],
    [1000, 8, 1400],
    [4, 8, 358],
  ])("%i groups of %i on %i pixels stay within, and apart", (count, each, width) => {
    const { xs, ys, size, height, cells } = layoutOf(groups(count, each), width);
    expect(cells).toHaveLength(count * each);
    const seen = new Set<string>();
    for (let at = 0; at < xs.length; at += 1) {
      const [x = -1, y = -1] = [xs[at], ys[at]];
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x + size).toBeLessThanOrEqual(width);
      expect(y + size).toBeLessThanOrEqual(height);
      seen.add(`${x} ${y}`);
    }
    expect(seen.size).toBe(count * each);
  });

  it("finds what is under the pointer", () => {
    const layout = layoutOf(groups(4, 8), 800);
    for (const at of [0, 7, 31]) {
      expect(hit(layout, (layout.xs[at] ?? 0) + 3, (layout.ys[at] ?? 0) + 3)).toBe(at);
    }
    expect(hit(layout, 1, 1)).toBeNull();
  });

  it("walks by keys", () => {
    const layout = layoutOf(groups(8, 16), 800);
    expect(moved(layout, 0, "ArrowRight")).toBe(1);
    expect(moved(layout, 0, "ArrowLeft")).toBe(0);
    const { size, xs } = layout;
    const below = moved(layout, 0, "ArrowDown");
    expect([xs[below], layout.ys[below]]).toEqual([0, (layout.ys[0] ?? 0) + size + 2]);
    expect(moved(layout, below, "ArrowUp")).toBe(0);
    expect(moved(layout, 0, "ArrowUp")).toBe(0);
    expect(moved(layout, 5, "End")).toBe(127);
    expect(moved(layout, 5, "PageDown")).toBe(16);
    expect(moved(layout, 20, "PageUp")).toBe(16);
    expect(moved(layout, 16, "PageUp")).toBe(0);
    expect(moved(layout, 120, "PageDown")).toBe(120);
  });
});

it.each([
  [1, 1, 1200],
  [1, 8, 1200],
  [6, 8, 900],
  [6, 8, 358],
  [2, 40, 1200],
])("%i groups of %i on %i pixels use the room that there is, and no more", (count, each, width) => {
  const { size, height } = layoutOf(groups(count, each), width);
  expect(size).toBeGreaterThanOrEqual(22);
  expect(height).toBeLessThanOrEqual(400);
});

it("knows whether anything stands elsewhere", () => {
  const one = groups(2, 3);
  expect(alike(one, groups(2, 3))).toBe(true);
  expect(alike(one, groups(3, 3))).toBe(false);
  expect(alike(one, groups(2, 4))).toBe(false);
  expect(alike(one, one.map((group) => ({ ...group, note: "silent" })))).toBe(false);
});

it("is laid out and hit within a frame, at eight thousand", () => {
  const begun = performance.now();
  const layout = layoutOf(groups(1000, 8), 1400);
  hit(layout, 1e6, 1e6);
  moved(layout, 10, "ArrowDown");
  expect(performance.now() - begun).toBeLessThan(100);
});
