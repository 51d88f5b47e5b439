import { describe, expect, it } from "vitest";

import { address } from "../../data/address";
import { LinkLost } from "../../data/refusal";
import { downloadOf, LogStream, type Send } from "./log-stream";

const SOURCE = { job: "abcd", attempt: 2, rank: 0, tail: 500 };

interface Answer {
  status?: number;
  offset?: number;
  size?: number;
  complete?: boolean;
  body?: string;
  breaks?: boolean;
  json?: unknown;
}

function stub(answers: (Answer | Error)[]) {
  const asked: string[] = [];
  const slept: number[] = [];
  const send: Send = (_, path, how) => {
    asked.push(address(path, how.path, how.query));
    const one = answers.shift();
    if (one === undefined) throw new Error("asked too often");
    if (one instanceof Error) return Promise.reject(one);
    if (one.json !== undefined)
      return Promise.resolve(new Response(JSON.stringify(one.json), { status: one.status ?? 500 }));
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(one.body ?? ""));
        if (!one.breaks) controller.close();
      },
      pull(controller) {
        if (one.breaks) controller.error(new TypeError("network"));
      },
    });
    const headers = {
      "Log-Offset": String(one.offset ?? 0),
      "Log-Size": String(one.size ?? 0),
      "Log-Complete": String(one.complete ?? false),
      "Log-Attempt": "2",
    };
    return Promise.resolve(new Response(body, { status: one.status ?? 200, headers }));
  };
  const sleep = (seconds: number): Promise<void> => {
    slept.push(seconds);
    return Promise.resolve();
  };
  return { asked, slept, send, sleep };
}

async function follow(answers: (Answer | Error)[]) {
  const how = stub(answers);
  const phases: string[] = [];
  const stream: LogStream = new LogStream(SOURCE, () => phases.push(stream.status.phase), how);
  await stream.run();
  const lines = Array.from({ length: stream.buffer.length }, (_, at) => stream.buffer.line(at));
  return { stream, lines, phases: [...new Set(phases)], ...how };
}

describe("LogStream", () => {
  it("reads one that is whole, and says what it left out", async () => {
    const found = await follow([{ offset: 100, size: 104, complete: true, body: "a\nb\n" }]);
    expect(found.lines).toEqual(["a", "b"]);
    expect(found.stream.status).toMatchObject({ phase: "complete", skipped: 100, offset: 104, attempt: 2 });
    expect(found.asked).toEqual(["/api/v1/jobs/abcd/logs?follow=true&attempt=2&tail=500"]);
  });

  it("goes on where it was after a break, and shows nothing twice", async () => {
    const found = await follow([
      { body: "one\n", breaks: true },
      new LinkLost("no link"),
      { offset: 4, size: 8, complete: true, body: "two\n" },
    ]);
    expect(found.lines).toEqual(["one", "two"]);
    expect(found.asked.slice(1)).toEqual(Array(2).fill("/api/v1/jobs/abcd/logs?follow=true&attempt=2&offset=4"));
    expect(found.phases).toContain("broken");
  });

  it("says where something was cut out", async () => {
    const found = await follow([{ body: "one\n" }, { offset: 1004, size: 1009, complete: true, body: "last\n" }]);
    expect(found.lines).toEqual(["one", "— 1000 bytes were cut out of the middle of this log —", "last"]);
  });

  it("stops where it may not read, and keeps why", async () => {
    const found = await follow([{ status: 403, json: { type: "forbidden", detail: "it is not yours", hint: "ask ana" } }]);
    expect(found.stream.status).toMatchObject({
      phase: "refused",
      problem: { status: 403, detail: "it is not yours", hint: "ask ana" },
    });
  });

  it("waits longer each time while the controller is not there", async () => {
    const found = await follow([
      ...Array.from({ length: 6 }, () => new LinkLost("no link")),
      { size: 2, complete: true, body: "x\n" },
    ]);
    expect(found.slept).toEqual([1, 2, 4, 8, 15, 15]);
    expect(found.stream.status.phase).toBe("complete");
  });

  it("begins again when the log has become shorter", async () => {
    const found = await follow([
      { body: "long\n" },
      { status: 416, json: {} },
      { offset: 0, size: 4, complete: true, body: "new\n" },
    ]);
    expect(found.lines.at(-1)).toBe("new");
    expect(found.asked[2]).toContain("offset=0");
  });
});

it("downloadOf names the rank where there is one", () => {
  expect(downloadOf({ job: "abcd", attempt: 1, rank: 3 })).toEqual({
    href: "/api/v1/jobs/abcd/logs?attempt=1&rank=3",
    name: "abcd.1.rank3.log",
  });
});
