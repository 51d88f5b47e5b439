import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Listener, follow } from "./event-stream";

const event = (id: number) => ({
  id,
  time: "2026-11-26T21:00:00Z",
  type: "sentinel.job.running",
  source: "",
  subject: "k1",
  owner: null,
  tenant: "default",
  data: {},
});
const json = (body: unknown, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
const page = (...ids: number[]) => json({ items: ids.map(event), next: null });
const stream = (...ids: number[]) =>
  new Response(ids.map((id) => `id: ${id}\nevent: x\ndata: ${JSON.stringify(event(id))}\n\n`).join(""));

interface Asked {
  address: string;
  after: string | null;
}

function controller(...answers: Response[]) {
  const asked: Asked[] = [];
  vi.stubGlobal("fetch", (address: string, { headers }: { headers: Record<string, string> }) => {
    asked.push({ address, after: headers["Last-Event-ID"] ?? null });
    const answer = answers.shift();
    return answer === undefined ? new Promise(() => undefined) : Promise.resolve(answer);
  });
  return asked;
}

function listening() {
  const ids: number[] = [];
  const states: string[] = [];
  const listener: Listener = {
    onEvents: (events) => ids.push(...events.map(({ id }) => id)),
    onState: (broken, live) => states.push(broken?.message ?? (live ? "live" : "away")),
  };
  return { ids, states, listener };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("document", { hidden: false, addEventListener: () => undefined, removeEventListener: () => undefined });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const WANTED = { types: ["sentinel.job.running"], subject: "" };

it("begins with the newest and goes on after them, and after each break where it was", async () => {
  const asked = controller(page(9), page(3, 7), stream(10), stream(11, 12));
  const { ids, states, listener } = listening();
  const end = new AbortController();
  void follow(WANTED, end.signal, listener);
  await vi.advanceTimersByTimeAsync(3000);
  end.abort();

  expect(ids).toEqual([3, 7, 10, 11, 12]);
  expect(asked.slice(2).map(({ after }) => after)).toEqual(["9", "10", "12"]);
  expect(asked[0]?.address).not.toContain("type=");
  expect(asked[1]?.address).toContain("type=sentinel.job.running");
  expect(asked[2]?.address).toBe("/api/v1/events/stream?type=sentinel.job.running");
  expect(states.slice(0, 3)).toEqual(["live", "away", "live"]);
});

it("does not ask again what was refused, and says why", async () => {
  const problem = { type: "forbidden", title: "", status: 403, detail: "not for you", hint: "ask an admin" };
  const asked = controller(json(problem, 403), page(), stream());
  const { states, listener } = listening();
  await follow(WANTED, new AbortController().signal, listener);
  await vi.advanceTimersByTimeAsync(60_000);

  expect(states).toEqual(["not for you"]);
  expect(asked).toHaveLength(1);
});

it("tries again, less and less often, where nobody answers", async () => {
  let tries = 0;
  vi.stubGlobal("fetch", () => {
    tries += 1;
    return Promise.reject(new TypeError("no route"));
  });
  const { ids, listener } = listening();
  const end = new AbortController();
  void follow(WANTED, end.signal, listener);
  await vi.advanceTimersByTimeAsync(60_000);
  end.abort();

  expect(ids).toEqual([]);
  expect(tries).toBeGreaterThan(4);
  expect(tries).toBeLessThan(30);
});
