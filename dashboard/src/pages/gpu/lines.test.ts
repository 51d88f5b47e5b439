import { expect, it } from "vitest";
import { byIndex, linesOf } from "./lines";
import { together } from "./past-lines";

const name = (labels: Readonly<Record<string, string>>) => `GPU ${labels.gpu ?? "?"}`;

it("puts series of different times onto one list; what is missing is null", () => {
  const one = { labels: { gpu: "0" }, points: [[0, 1], [10, null]] as const };
  const two = { labels: { gpu: "1" }, points: [[10, 5], [20, 6]] as const };
  expect(linesOf([one, two], [], 0, 10, name)).toEqual({
    times: [0, 10, 20],
    lines: [
      { label: "GPU 0", values: [1, null, null], before: false },
      { label: "GPU 1", values: [null, 5, 6], before: false },
    ],
  });
});

it("leaves out the step that has only just begun, but keeps a gap", () => {
  const begun = { labels: {}, points: [[0, 1], [10, 2], [20, null]] as const };
  expect(linesOf([begun], [], 0, 10, name).times).toEqual([0, 10]);
  const gone = { labels: {}, points: [[0, 1], [10, null], [20, null]] as const };
  expect(linesOf([gone], [], 0, 10, name).times).toEqual([0, 10, 20]);
});

it("draws what was earlier where it would be now", () => {
  const now = { labels: { gpu: "0" }, points: [[100, 1]] as const };
  const earlier = { labels: { gpu: "0" }, points: [[43, 9]] as const };
  const found = linesOf([now], [earlier], 60, 10, name);
  expect(found.times).toEqual([100]);
  expect(found.lines[1]).toEqual({ label: "GPU 0, earlier", values: [9], before: true });
});

it("orders GPUs as numbers", () => {
  const series = ["10", "9"].map((gpu) => ({ labels: { gpu }, points: [] }));
  expect(byIndex(series).map((one) => one.labels.gpu)).toEqual(["9", "10"]);
});

it("puts lines of two GPUs over one list of times, and leaves gaps where one was not measured", () => {
  const line = (label: string, values: readonly (number | null)[]) => ({ label, values, before: false });
  const both = together({ times: [10, 20], lines: [line("a", [1, 2])] }, { times: [20, 30], lines: [line("b", [null, 4])] });
  expect(both).toEqual({ times: [10, 20, 30], lines: [line("a", [1, 2, null]), line("b", [null, null, 4])] });
});
