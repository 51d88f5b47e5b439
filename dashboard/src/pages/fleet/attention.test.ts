import { describe, expect, it } from "vitest";
import type { StandingAlert } from "../../data/standing-alert";
import { aWorkload } from "../workstation/samples";
import { concernsOf } from "./attention";
import { aFleetNode, FLEET } from "./samples";

const LATE = { ...FLEET, at: Date.parse("2026-11-26T21:00:00Z") / 1000 };

const HOT: StandingAlert = {
  fingerprint: "f",
  state: "firing",
  severity: "critical",
  labels: { uuid: "u1", node: "a" },
  annotations: {},
  started_at: "2026-11-26T20:00:00Z",
  summary: "GPU 0 of a is at 97 °C",
  next_step: null,
};

describe("concernsOf", () => {
  it("says what is ill in the words of its alert, then which node is silent", () => {
    expect(concernsOf(FLEET, [HOT], []).map((one) => [one.word, one.title, one.why])).toEqual([
      ["critical", "a · GPU 0", "GPU 0 of a is at 97 °C"],
      ["silent", "b", "Not heard of: what runs on its 2 GPUs is unknown."],
    ]);
  });

  it("says that it is ill, too, where no alert is known yet", () => {
    expect(concernsOf(FLEET, undefined, undefined)[0]).toMatchObject({ word: "critical", why: null, since: null });
  });

  it("does not claim that what was wrong before a node fell silent still is", () => {
    const fleet = { ...FLEET, gpus: { ...FLEET.gpus, health: [null, null, "critical" as const] } };
    expect(concernsOf(fleet, [], []).map((one) => one.word)).toEqual(["silent"]);
  });

  it("tells once what blocks several GPUs of a node, and not again what is ill", () => {
    const fleet = {
      ...FLEET,
      nodes: [aFleetNode("a")],
      gpus: {
        ...FLEET.gpus,
        node: [0, 0, 0],
        index: [0, 1, 2],
        state: ["blocked" as const, "blocked" as const, "blocked" as const],
        blocked: ["quarantined" as const, "unmanaged" as const, "unmanaged" as const],
        blocked_why: ["Xid 79", "bob runs train.py", "bob runs train.py"],
      },
    };
    expect(concernsOf(fleet, [HOT], [])[0]?.why).toBe("GPU 0 of a is at 97 °C; no job starts on it");
    expect(concernsOf(fleet, [], []).map((one) => [one.word, one.title])).toEqual([
      ["critical", "a · GPU 0"],
      ["not queued", "a · GPUs 1, 2"],
    ]);
  });

  it("names who holds GPUs and computes nothing, the longest first; of a silent node it is not known", () => {
    const idle = [
      aWorkload({ id: "w1", node: "a", state: "idle", idle_since: "2026-11-26T20:00:00Z" }),
      aWorkload({ id: "w2", node: "a", state: "idle", user: null, idle_since: "2026-11-26T19:00:00Z" }),
      aWorkload({ id: "w3", node: "b", state: "idle" }),
      aWorkload({ id: "w4", node: "a", state: "running" }),
    ];
    const found = concernsOf(LATE, [], idle).filter((one) => one.word === "idle");
    expect(found.map((one) => one.key)).toEqual(["idle a w2", "idle a w1"]);
    expect(found[0]?.since).toBe("2026-11-26T19:00:00Z");
    expect(concernsOf(FLEET, [], idle).find((one) => one.word === "idle")?.since).toBeNull();
    expect(found[0]?.why).toContain("Somebody unknown");
    expect(found[1]?.why).toBe("bob holds it with notebook and computes nothing.");
  });

  it("ends with nodes that somebody drained", () => {
    const fleet = { ...FLEET, nodes: [aFleetNode("a", { drained: { by: "ana", at: "2026-11-26T20:00:00Z", why: "new fans" } }), aFleetNode("b")] };
    expect(concernsOf(fleet, [], []).at(-1)).toMatchObject({ word: "drained", why: "No new job starts there; ana closed it: new fans" });
  });
});
