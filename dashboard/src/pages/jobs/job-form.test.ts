import { describe, expect, it } from "vitest";

import { EMPTY, read, type JobForm } from "./job-form";

const PLAIN: JobForm = { ...EMPTY, command: "python train.py", cwd: "/home/ana" };

describe("read", () => {
  it("makes a small body of a plain job", () => {
    expect(read(PLAIN)).toEqual({
      errors: {},
      body: { command: ["python", "train.py"], cwd: "/home/ana", gpus: 1, nodes: 1 },
    });
  });

  it("takes everything there is", () => {
    const { body, errors } = read({
      ...PLAIN,
      name: " train ",
      gpus: "8",
      gpuModel: "h100,a100",
      gpuMemory: "80GiB",
      cpus: "16",
      memory: "256G",
      node: "a1",
      timeLimit: "1d 12h",
      priority: "-5",
      preemptible: true,
      checkpoint: "kill -USR1 1",
      retries: "3",
      retryCodes: "1, 137",
      singleton: true,
      image: "nvcr.io/nvidia/pytorch:24.05-py3",
      engine: "podman",
      mounts: "/data:/data:ro\n/scratch",
      setup: "module load cuda",
      environment: "A=1",
      after: "abcd1234, efgh5678",
      afterKind: "any",
      array: "0-9 % 2",
      ifLost: "fence",
      grace: "0",
      stopSignal: "INT",
      notify: "mail, ops:fail",
      umask: "027",
      limits: "nofile=65536\nmemlock=64GiB, core=0",
      pty: true,
    });
    expect(errors).toEqual({});
    expect(body).toMatchObject({
      name: "train",
      gpus: 8,
      gpu_model: "h100,a100",
      gpu_memory_bytes: 80 * 2 ** 30,
      memory_bytes: 256 * 2 ** 30,
      node: "a1",
      time_limit: 129_600,
      priority: -5,
      checkpoint: ["kill", "-USR1", "1"],
      retry_codes: [1, 137],
      mounts: ["/data:/data:ro", "/scratch"],
      after: [
        { job: "abcd1234", kind: "any" },
        { job: "efgh5678", kind: "any" },
      ],
      array: "0-9%2",
      if_lost: "fence",
      grace: 0,
      stop_signal: "INT",
      notify: ["mail:end", "ops:fail"],
      environment: { A: "1" },
      umask: 23,
      limits: { nofile: 65_536, memlock: 64 * 2 ** 30, core: 0 },
      pty: true,
    });
  });

  it("runs a script by bash, whatever its ends of line", () => {
    const { body } = read({ ...PLAIN, kind: "script", script: "cd x\r\nmake | tee log" });
    expect(body?.command).toEqual(["bash", "-c", "cd x\nmake | tee log"]);
  });

  it.each<[Partial<JobForm>, keyof JobForm]>([
    [{ command: "" }, "command"],
    [{ command: "a | b" }, "command"],
    [{ cwd: "home" }, "cwd"],
    [{ gpus: "0" }, "gpus"],
    [{ share: "25", gpus: "2" }, "share"],
    [{ share: "0" }, "share"],
    [{ node: "a1", nodes: "2" }, "node"],
    [{ mounts: "/x" }, "mounts"],
    [{ array: "1-" }, "array"],
    [{ retryCodes: "256" }, "retryCodes"],
    [{ grace: "2h" }, "grace"],
    [{ notify: "mail:sometimes" }, "notify"],
    [{ environment: "X" }, "environment"],
    [{ after: "a-b" }, "after"],
    [{ umask: "9" }, "umask"],
    [{ limits: "nofile" }, "limits"],
    [{ limits: "nofiles=3" }, "limits"],
    [{ limits: "nofile=1, nofile=2" }, "limits"],
    [{ pty: true, nodes: "2" }, "pty"],
  ])("%j is refused at its field", (change, field) => {
    const { body, errors } = read({ ...PLAIN, ...change });
    expect(body).toBeNull();
    expect(Object.keys(errors)).toEqual([field]);
  });

  it("takes a share as percent, and all of a GPU as one", () => {
    expect(read({ ...PLAIN, share: "25 %" }).body?.gpu_share).toBe(0.25);
    expect(read({ ...PLAIN, share: "100" }).body).not.toHaveProperty("gpu_share");
  });
});
