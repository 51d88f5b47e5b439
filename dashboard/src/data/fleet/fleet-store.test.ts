import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Reading } from "../stream/read-stream";

const begun: Reading[] = [];
let refuse: Error | null = null;

vi.mock("../stream/read-stream", () => ({
  readStream: (_: string, reading: Reading) => {
    begun.push(reading);
    return new Promise((_, reject) => {
      if (refuse !== null) reject(refuse);
      reading.signal.addEventListener("abort", () => reject(new Error("aborted")));
    });
  },
}));

const kept = new Map<string, string>();

async function store() {
  vi.resetModules();
  return import("./fleet-store");
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

let page = Object.assign(new EventTarget(), { hidden: false });

beforeEach(() => {
  page = Object.assign(new EventTarget(), { hidden: false });
  vi.stubGlobal("document", page);
  begun.length = 0;
  refuse = null;
  kept.clear();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
});

afterEach(() => vi.unstubAllGlobals());

describe("the fleet's stream", () => {
  it("is not asked for early by who never had it", async () => {
    const { watchEarly } = await store();
    watchEarly();
    expect(begun).toHaveLength(0);
  });

  it("is begun early by who had it, once for all who look then", async () => {
    const { keptFleet, watchEarly, watchFleet } = await store();
    const leave = watchFleet(() => undefined);
    begun[0]?.onEvent({ id: "a-1", type: "fleet", data: '{"at":1,"revision":1,"nodes":[],"gpus":{}}' });
    expect(keptFleet().live).toBe(true);
    expect(kept.size).toBe(1);
    watchEarly();
    watchFleet(() => undefined);
    await settled();
    expect(begun).toHaveLength(1);
    leave();
  });

  it("is drawn by nobody while the tab is hidden, and at once when it is seen", async () => {
    const { keptFleet, watchFleet } = await store();
    const told = vi.fn();
    watchFleet(told);
    page.hidden = true;
    begun[0]?.onEvent({ id: "a-1", type: "fleet", data: '{"at":1,"revision":1,"nodes":[],"gpus":{}}' });
    expect(told).not.toHaveBeenCalled();
    page.hidden = false;
    page.dispatchEvent(new Event("visibilitychange"));
    expect(told).toHaveBeenCalledTimes(1);
    expect(keptFleet().live).toBe(true);
  });

  it("is let go of by a tab that nobody looks at, and goes on from there when somebody does", async () => {
    vi.useFakeTimers();
    const { keptFleet, watchFleet } = await store();
    watchFleet(() => undefined);
    await vi.advanceTimersByTimeAsync(0);
    begun[0]?.onEvent({ id: "a-1", type: "fleet", data: '{"at":1,"revision":1,"nodes":[],"gpus":{}}' });
    page.hidden = true;
    page.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(14_000);
    expect(begun[0]?.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(begun[0]?.signal.aborted).toBe(true);
    expect(begun).toHaveLength(1);
    expect(keptFleet()).toMatchObject({ live: false, error: null });
    page.hidden = false;
    page.dispatchEvent(new Event("visibilitychange"));
    await vi.advanceTimersByTimeAsync(0);
    expect(begun).toHaveLength(2);
    expect(begun[1]?.lastId).toBe("a-1");
    vi.useRealTimers();
  });

  it("is forgotten when it is refused, and asked for anew by who looks next", async () => {
    kept.set("sentinel:watched", "1");
    const { keptFleet, watchEarly, watchFleet } = await store();
    const { Refused } = await import("../refusal");
    refuse = new Refused(401, "unauthorized", "nobody is signed in", "");
    watchEarly();
    await settled();
    expect(begun).toHaveLength(1);
    expect(kept.size).toBe(0);
    expect(keptFleet().error).not.toBeNull();
    refuse = null;
    watchFleet(() => undefined);
    expect(begun).toHaveLength(2);
    expect(keptFleet().error).toBeNull();
  });

  it("is not asked for early where the browser keeps nothing", async () => {
    vi.stubGlobal("localStorage", {
      getItem: () => {
        throw new Error("denied");
      },
    });
    const { watchEarly } = await store();
    expect(watchEarly).not.toThrow();
    expect(begun).toHaveLength(0);
  });
});
