import { describe, expect, it } from "vitest";
import type { Event } from "../../data/shapes";
import { common, commonPlace, folded, MANY, said, subjects } from "./fold";

function event(id: number, type: string, more: Partial<Event> = {}): Event {
  return { id, time: "2026-11-26T21:00:00Z", type, source: "", subject: `s${id}`, owner: null, tenant: "", data: {}, ...more };
}

const run = (from: number, count: number, type: string) =>
  Array.from({ length: count }, (_, at) => event(from - at, type));

describe("folded", () => {
  it("leaves a few in a row as they are", () => {
    const events = run(20, MANY - 1, "sentinel.alert.fired");
    expect(folded(events, new Set()).map(({ key }) => key)).toEqual(["20", "19", "18", "17"]);
  });

  it("makes many of one kind one line, with what is between them kept", () => {
    const events = [...run(20, 6, "a"), event(14, "b"), ...run(13, MANY, "a")];
    expect(folded(events, new Set()).map(({ key, of }) => [key, of.length])).toEqual([
      ["fold 15", 6],
      ["14", 1],
      ["fold 9", MANY],
    ]);
  });

  it("shows those of an open one below it, also when newer come", () => {
    const open = new Set(["fold 15"]);
    const before = folded(run(20, 6, "a"), open);
    expect(before.map(({ key }) => key)).toEqual(["fold 15", "20", "19", "18", "17", "16", "15"]);
    expect(folded(run(22, 8, "a"), open)[0]).toMatchObject({ key: "fold 15", open: true, event: { id: 22 } });
  });

  it("is nothing of nothing", () => {
    expect(folded([], new Set())).toEqual([]);
  });
});

it("says what they have in common", () => {
  expect(common(["ana", "ana", ""], "owners")).toBe("ana");
  expect(common(["ana", "ben"], "owners")).toBe("2 owners");
  expect(common(["", ""], "owners")).toBe("");
});

it("knows one subject of all, and its page", () => {
  const same = [1, 2].map((id) => event(id, "sentinel.job.requeued", { subject: "k1" }));
  expect([subjects(same), commonPlace(same)?.to]).toEqual(["k1", "/jobs/k1"]);
  const others = [1, 2].map((id) => event(id, "sentinel.job.requeued"));
  expect([subjects(others), commonPlace(others)]).toEqual(["2 subjects", null]);
});

it("says what most of them say", () => {
  const of = ["full", "hot", "hot"].map((name, at) => event(at + 1, "a", { data: { name } }));
  expect(said(of)).toBe("hot, and 1 other");
  expect(said([event(1, "a")])).toBe("");
});
