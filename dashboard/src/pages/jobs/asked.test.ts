import { expect, it } from "vitest";
import type { Spec } from "../../data/shapes";
import { asked } from "./asked";

const PLAIN: Spec = {
  command: ["python", "a b.py"],
  cwd: "/home/ana",
  gpus: 2,
  nodes: 1,
  gpu_milli: 1000,
  priority: 0,
  name: "x",
  time_limit: null,
  gpu_model: null,
  gpu_memory_bytes: null,
  cpus: null,
  memory_bytes: null,
  node: null,
  preemptible: false,
  checkpoint: [],
  stop_signal: "TERM",
  retries: 0,
  retry_codes: [],
  singleton: false,
  image: null,
  engine: null,
  mounts: [],
  setup: [],
  if_lost: "requeue",
  grace: 30,
  umask: 18,
  limits: {},
  pty: false,
  notify: [],
};

it("says little of a plain job", () => {
  expect(asked(PLAIN)).toEqual([
    { name: "Command", value: "python 'a b.py'", code: true },
    { name: "Folder", value: "/home/ana", code: true },
    { name: "GPUs", value: "2 GPUs", code: false },
    { name: "Time limit", value: "none", code: false },
  ]);
});

it("says what is unusual", () => {
  const found = Object.fromEntries(
    asked({ ...PLAIN, retries: 2, retry_codes: [1, 9], grace: 0, if_lost: "fence", limits: { nofile: 5 } }).map((one) => [
      one.name,
      one.value,
    ]),
  );
  expect(found).toMatchObject({
    Retries: "2 after exit code 1, 9",
    Grace: "none",
    "If lost": "ended by its node, then queued again",
    Limits: "nofile 5",
  });
});
