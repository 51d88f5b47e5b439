import { describe, expect, it } from "vitest";
import {
  chosen, counted, grouped, isLoud, labelsOf, matchesOfGroup, matchesOfView, openAtFirst, shownState,
} from "./standing";
import { alert } from "./sample";

const muted = { how: "silenced", by: "s1", why: "new fans", until: null } as const;
const ack = { by: "eve", at: "2026-11-26T20:10:00.000Z", why: "" };

describe("the state that is shown", () => {
  it("is the news: quiet before seen before firing", () => {
    expect(shownState(alert())).toBe("firing");
    expect(shownState(alert({ ack }))).toBe("acked");
    expect(shownState(alert({ ack, muted }))).toBe("silenced");
    expect(shownState(alert({ state: "pending", muted }))).toBe("pending");
  });
  it("is loud only where somebody is to be told", () => {
    expect([alert(), alert({ state: "no-data" }), alert({ muted }), alert({ ack }), alert({ state: "pending" })].map(isLoud))
      .toEqual([true, true, false, false, false]);
  });
});

it("counts those that are loud by severity, and the others once", () => {
  const all = [alert(), alert({ severity: "critical" }), alert({ severity: "critical", muted }), alert({ state: "pending" }), alert({ state: "resolved" })];
  expect(counted(all)).toEqual({ critical: 1, warning: 1, info: 0, quiet: 1, pending: 1 });
});

describe("choosing", () => {
  const all = [alert(), alert({ severity: "critical", muted, labels: { node: "gpu02" }, summary: "gpu02 is gone" })];
  const none = { severities: [], loudness: "all", text: "" } as const;
  it("takes all unless something is wanted", () => expect(chosen(all, none)).toHaveLength(2));
  it("goes by severity and by loudness", () => {
    expect(chosen(all, { ...none, severities: ["critical"] })).toEqual([all[1]]);
    expect(chosen(all, { ...none, loudness: "quiet" })).toEqual([all[1]]);
    expect(chosen(all, { ...none, loudness: "loud" })).toEqual([all[0]]);
  });
  it("looks for every word, or reads matchers", () => {
    expect(chosen(all, { ...none, text: "GONE gpu02" })).toEqual([all[1]]);
    expect(chosen(all, { ...none, text: "node=gpu01" })).toEqual([all[0]]);
    expect(chosen(all, { ...none, text: "node=gpu" })).toEqual([]);
  });
});

describe("groups", () => {
  const quiet = alert({ rule: "a", severity: "critical", muted });
  const loud = alert({ rule: "b", severity: "info", started_at: "2026-11-26T19:00:00.000Z" });
  const more = alert({ rule: "b", severity: "warning" });
  it("have those with something loud first, however bad the others are", () => {
    const [first, second] = grouped([quiet, loud, more], "rule");
    expect(first).toMatchObject({ key: "b", worst: "warning", loud: 2, quiet: 0, since: "2026-11-26T19:00:00.000Z" });
    expect(second).toMatchObject({ key: "a", loud: 0, quiet: 1 });
  });
  it("say of alerts without a node that they have none", () => {
    expect(grouped([alert({ labels: {} })], "node")[0]?.title).toBe("of no single node");
  });
  it("are one where none are wanted", () => expect(grouped([quiet, loud], "none")).toHaveLength(1));
});

describe("groups by any label", () => {
  const all = [
    alert({ labels: { node: "a", rack: "r1", uuid: "GPU-1", gpu: "0" } }),
    alert({ labels: { node: "b", rack: "r2" } }),
    alert({ labels: { node: "c" } }),
  ];
  it("are offered where there is such a label", () => expect(labelsOf(all)).toEqual(["rack"]));
  it("have those without it in one of their own", () => {
    expect(grouped(all, "rack").map((one) => one.title).sort()).toEqual(["r1", "r2", "without rack"]);
  });
});

describe("what is open at first", () => {
  const many = (rule: string, count: number, given = {}) => Array.from({ length: count }, () => alert({ rule, ...given }));
  it("are the loud and the small ones, until the page is full", () => {
    const all = [...many("a", 50), ...many("b", 30), ...many("c", 30), ...many("d", 30), ...many("e", 1)];
    expect([...openAtFirst(grouped(all, "rule"), "rule")]).toEqual(["a", "b", "c"]);
  });
  it("is not a long one of which nothing is loud", () => {
    const all = [...many("a", 2), ...many("b", 9, { muted })];
    expect([...openAtFirst(grouped(all, "rule"), "rule")]).toEqual(["a"]);
    expect([...openAtFirst(grouped(many("b", 9, { muted }), "none"), "none")]).toEqual([""]);
  });
});

describe("what would silence what is seen", () => {
  const view = { severities: [], text: "", rule: "", node: "" } as const;
  it("is a group by its label, but not those without one", () => {
    expect(matchesOfGroup("gpu01", "node")).toEqual({ node: ["gpu01"] });
    expect(matchesOfGroup("", "node")).toBeNull();
    expect(matchesOfGroup("", "none")).toBeNull();
  });
  it("are the filters that are labels", () => {
    expect(matchesOfView({ ...view, text: "node=a", severities: ["info"], rule: "gpu-hot" })).toEqual({
      node: ["a"], severity: ["info"], rule: ["gpu-hot"],
    });
    expect(matchesOfView(view)).toBeNull();
    expect(matchesOfView({ ...view, text: "hot", rule: "gpu-hot" })).toBeNull();
  });
});
