import { expect, it } from "vitest";
import type { Fleet } from "../../data/fleet/fleet";
import { idleNow } from "./idle-now";

function fleet(rows: readonly (readonly [job: string | null, state: string, util: number | null])[]) {
  return {
    nodes: [{ name: "n1" }],
    gpus: {
      job: rows.map(([job]) => job),
      state: rows.map(([, state]) => state),
      util: rows.map(([, , util]) => util),
      owner: rows.map(() => "ana"),
      node: rows.map(() => 0),
    },
  } as unknown as Fleet;
}

it("counts the GPUs of a job that compute nothing, most first", () => {
  const found = idleNow(
    fleet([
      ["a", "leased", 0],
      ["a", "leased", 90],
      ["b", "leased", 5],
      ["b", "leased", 2],
      ["c", "leased", 6],
    ]),
  );
  expect(found).toEqual([
    { job: "b", owner: "ana", node: "n1", idle: 2, gpus: 2 },
    { job: "a", owner: "ana", node: "n1", idle: 1, gpus: 2 },
  ]);
});

it("calls nothing idle whose load is not known, and nobody's", () => {
  expect(
    idleNow(
      fleet([
        ["a", "leased", null],
        [null, "free", 0],
        ["b", "unknown", 0],
      ]),
    ),
  ).toEqual([]);
});
