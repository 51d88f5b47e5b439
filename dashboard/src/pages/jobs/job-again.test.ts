import { describe, expect, it } from "vitest";
import type { Spec } from "../../data/shapes";
import { changed, durationText, formOf, sizeText } from "./job-again";
import { EMPTY, read } from "./job-form";
import { durationOf, sizeOf } from "./quantities";

const SPEC: Spec = {
  command: ["python", "a b.py"],
  cwd: "/home/ana",
  gpus: 2,
  nodes: 1,
  gpu_milli: 1000,
  priority: -3,
  name: "a b.py",
  time_limit: 5400,
  gpu_model: "h100",
  gpu_memory_bytes: 80 * 2 ** 30,
  cpus: 4,
  memory_bytes: 1_000_000,
  node: null,
  preemptible: true,
  checkpoint: ["save", "it's"],
  stop_signal: "INT",
  retries: 2,
  retry_codes: [1, 9],
  singleton: false,
  image: "pytorch/pytorch:latest",
  engine: null,
  mounts: ["/data:/data:ro"],
  setup: ["module load cuda"],
  if_lost: "keep",
  grace: 0,
  umask: 0o027,
  limits: { nofile: 65_536, core: 0 },
  pty: true,
  notify: ["mail:end", "mail:fail"],
};

describe("formOf", () => {
  it("asks for the same again", () => {
    const { body, errors } = read(formOf(SPEC, { A: "1", B: "x=y" }));
    expect(errors).toEqual({});
    const same = Object.fromEntries(Object.entries(body ?? {}).filter(([key]) => key in SPEC));
    expect({ ...SPEC, ...same }).toEqual(SPEC);
    expect(body?.environment).toEqual({ A: "1", B: "x=y" });
  });

  it("shows a script as one", () => {
    const form = formOf({ ...SPEC, command: ["bash", "-c", "a | b"] });
    expect(form).toMatchObject({ kind: "script", script: "a | b" });
  });

  it("takes a share back", () => {
    expect(read(formOf({ ...SPEC, gpus: 1, gpu_milli: 125 })).body?.gpu_share).toBe(0.125);
  });
});

describe("changed", () => {
  it.each([
    [{ gpus: 4 }, { gpus: "4" }],
    [{ node: null }, { node: "" }],
    [{ gpu_memory_bytes: 40 * 2 ** 30 }, { gpuMemory: "40GiB" }],
    [{ time_limit: 1800 }, { timeLimit: "30m" }],
    [{ gpu_model: "NVIDIA A100" }, { gpuModel: "NVIDIA A100" }],
  ])("%j", (change, fields) => {
    expect(changed({ ...EMPTY, node: "a1" }, change)).toEqual({ ...EMPTY, node: "a1", ...fields });
  });

  it("is nothing where the form does not have it", () => {
    expect(changed(EMPTY, { colour: "red" })).toBeNull();
    expect(changed(EMPTY, {})).toBeNull();
  });
});

it.each([1, 1023, 1024, 80 * 2 ** 30, 3 * 2 ** 40])("%i bytes come back", (bytes) => {
  expect(sizeOf(sizeText(bytes))).toBe(bytes);
});

it.each([1, 90, 3600, 129_661, 0.5])("%d seconds come back", (seconds) => {
  expect(durationOf(durationText(seconds))).toBe(seconds);
});
