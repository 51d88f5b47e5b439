import { expect, it } from "vitest";
import type { StandingAlert } from "../../data/standing-alert";
import { findingsOf } from "./findings";

function anAlert(more: Partial<StandingAlert>): StandingAlert {
  return {
    fingerprint: "f",
    state: "firing",
    severity: "warning",
    labels: { node: "n1" },
    annotations: {},
    started_at: "2026-11-26T20:00:00.000Z",
    summary: "hot",
    next_step: null,
    ...more,
  };
}

it("takes what is about the GPU or its whole node, the worst and certain first", () => {
  const found = findingsOf(
    [
      anAlert({ fingerprint: "other", labels: { node: "n1", uuid: "GPU-1" } }),
      anAlert({ fingerprint: "elsewhere", labels: { node: "n2" } }),
      anAlert({ fingerprint: "over", state: "resolved" }),
      anAlert({ fingerprint: "blind", state: "no-data", severity: "critical", annotations: { cause: "old" } }),
      anAlert({ fingerprint: "node" }),
      anAlert({ fingerprint: "gpu", severity: "critical", labels: { node: "n1", uuid: "GPU-0", gpu: "0" } }),
    ],
    "n1",
    "GPU-0",
  );
  expect(found.map((one) => one.id)).toEqual(["gpu", "node", "blind"]);
  expect(found[2]?.certain).toBe(false);
  expect(found[2]?.cause).not.toBe("old");
});

it("has no cause where nobody says one", () => {
  expect(findingsOf([anAlert({})], "n1")[0]?.cause).toBeNull();
});
