import { expect, it } from "vitest";
import type { JobBody } from "../../data/job";
import { inTerminal } from "./terminal";

const PLAIN: JobBody = { command: ["python", "a b.py"], cwd: "/home/ana", gpus: 1, nodes: 1 };

it("is short where little is asked", () => {
  expect(inTerminal(PLAIN)).toBe(
    ["sentinel job submit", "--cwd /home/ana", "--no-env", "--umask 022", "-- python 'a b.py'"].join(" \\\n  "),
  );
});

it("has everything, as the command line takes it", () => {
  const said = inTerminal({
    ...PLAIN,
    gpus: 2,
    gpu_memory_bytes: 80 * 2 ** 30,
    time_limit: 129_600,
    grace: 0,
    umask: 0o027,
    pty: true,
    limits: { nofile: 65_536 },
    after: [
      { job: "abcd1234", kind: "ok" },
      { job: "efgh5678", kind: "notok" },
    ],
    setup: ["module load cuda"],
    retry_codes: [1, 137],
    checkpoint: ["kill", "-USR1", "1"],
    notify: ["mail:fail"],
  });
  for (const part of [
    "--gpus 2",
    "--gpu-memory 80GiB",
    "--time-limit 36h",
    "--grace 0",
    "--umask 027",
    "--pty",
    "--limit nofile=65536",
    "--after abcd1234 ",
    "--after notok:efgh5678",
    "--setup 'module load cuda'",
    "--retry-on 1,137",
    "--checkpoint 'kill -USR1 1'",
    "--notify mail:fail",
  ]) {
    expect(said).toContain(part);
  }
});

it("has no values of variables in it", () => {
  const said = inTerminal({ ...PLAIN, environment: { KEY: "secret" } });
  expect(said).toContain("--env-file job.env");
  expect(said).not.toContain("secret");
});
