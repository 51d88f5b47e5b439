import { describe, expect, it } from "vitest";
import { endInWords, gpusAsked, gpusInWords } from "./job";

const SPEC = { gpus: 1, nodes: 1, gpu_milli: 1000, gpu_model: null };

describe("GPUs of a job", () => {
  it.each([
    [SPEC, 1, "1 GPU"],
    [{ ...SPEC, gpus: 8, nodes: 2, gpu_model: "h100" }, 16, "2 × 8 h100 GPUs"],
    [{ ...SPEC, gpu_milli: 250 }, 0.25, "25 % of a GPU"],
    [{ ...SPEC, gpu_milli: 333 }, 0.333, "33.3 % of a GPU"],
    [{ ...SPEC, gpus: 0 }, 0, "0 GPUs"],
  ])("%j", (spec, asked, words) => {
    expect(gpusAsked(spec)).toBe(asked);
    expect(gpusInWords(spec)).toBe(words);
  });
});

describe("endInWords", () => {
  it.each([
    [{ state: "FAILED", exit_code: 3, signal: null }, "exit code 3"],
    [{ state: "CANCELED", exit_code: null, signal: 9 }, "signal 9 (KILL)"],
    [{ state: "FAILED", exit_code: null, signal: 40 }, "signal 40"],
    [{ state: "FAILED", exit_code: null, signal: null }, null],
    [{ state: "RUNNING", exit_code: 0, signal: null }, null],
  ] as const)("%j", (job, words) => {
    expect(endInWords(job)).toBe(words);
  });
});
