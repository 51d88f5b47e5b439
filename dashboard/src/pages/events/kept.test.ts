import { describe, expect, it } from "vitest";
import type { Event } from "../../data/shapes";
import { before, merged, MOST, newest, type Page } from "./kept";

const event = (id: number): Event => ({
  id,
  time: "2026-11-26T21:00:00Z",
  type: "sentinel.job.running",
  source: "",
  subject: "k1",
  owner: null,
  tenant: "default",
  data: {},
});
const ids = (events: readonly Event[]) => events.map(({ id }) => id);

describe("merged", () => {
  it("goes on where it was left, and has none twice", () => {
    expect(ids(merged([event(1), event(3)], [event(4), event(6)]))).toEqual([1, 3, 4, 6]);
    expect(ids(merged([event(1), event(3)], [event(3), event(4)]))).toEqual([1, 3, 4]);
    expect(ids(merged([event(3)], [event(1), event(2)]))).toEqual([1, 2, 3]);
    expect(ids(merged([], [event(5), event(2)]))).toEqual([2, 5]);
  });

  it("is the same thing when nothing came", () => {
    const kept = [event(1)];
    expect(merged(kept, [])).toBe(kept);
  });
});

it("lets the oldest go", () => {
  const many = Array.from({ length: MOST + 2 }, (_, nth) => event(nth + 1));
  expect(newest(many)).toHaveLength(MOST);
  expect(newest(many)[0]?.id).toBe(3);
});

describe("before", () => {
  const controller = (all: readonly number[]) => {
    const asked: number[] = [];
    const page = (after: number, limit: number): Promise<Page> => {
      asked.push(after);
      const rest = all.filter((id) => id > after);
      const items = rest.slice(0, limit).map(event);
      return Promise.resolve({ items, next: rest.length >= limit ? String(items[items.length - 1]?.id) : null });
    };
    return { page, asked };
  };

  it("finds those next to it, all of a window, over several pages", async () => {
    const all = Array.from({ length: 3000 }, (_, nth) => nth + 1);
    const { page } = controller(all);
    const found = ids(await before(2501, page));
    expect(found).toEqual(all.slice(501, 2500));
  });

  it("looks further back where there are few", async () => {
    const { page, asked } = controller([7, 900_000]);
    expect(ids(await before(900_000, page))).toEqual([7]);
    expect(asked.length).toBeLessThan(10);
  });

  it("leaves none out between two windows", async () => {
    const { page } = controller([98_000, 100_000]);
    expect(ids(await before(100_000, page))).toEqual([98_000]);
    const edge = controller([97_999, 98_001, 100_000]);
    expect(ids(await before(100_000, edge.page))).toEqual([98_001]);
    expect(ids(await before(98_001, edge.page))).toEqual([97_999]);
  });

  it("is empty at the beginning", async () => {
    const { page } = controller([5]);
    expect(await before(5, page)).toEqual([]);
    expect(await before(0, page)).toEqual([]);
  });
});
