import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { GLANCE, untilLookedAt, whileLookedAt } from "./looked-at";

const page = Object.assign(new EventTarget(), { hidden: false });

function turn(hidden: boolean): void {
  page.hidden = hidden;
  page.dispatchEvent(new Event("visibilitychange"));
}

beforeEach(() => {
  page.hidden = false;
  vi.stubGlobal("document", page);
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("while somebody looks", () => {
  it("a glance elsewhere loses nothing", () => {
    const { signal, over } = whileLookedAt();
    turn(true);
    vi.advanceTimersByTime(GLANCE - 1);
    turn(false);
    vi.advanceTimersByTime(10 * GLANCE);
    expect(signal.aborted).toBe(false);
    over();
  });

  it("a tab that is left lets go, also one that was never seen", () => {
    const left = whileLookedAt();
    turn(true);
    const unseen = whileLookedAt();
    vi.advanceTimersByTime(GLANCE);
    expect([left.signal.aborted, unseen.signal.aborted]).toEqual([true, true]);
  });

  it("nothing happens after it is over", () => {
    const { signal, over } = whileLookedAt();
    turn(true);
    over();
    vi.advanceTimersByTime(GLANCE);
    expect(signal.aborted).toBe(false);
  });
});

describe("until somebody looks", () => {
  it("does not wait where they do", async () => {
    await untilLookedAt(new AbortController().signal);
  });

  it("waits for that, or for the end", async () => {
    page.hidden = true;
    const stop = new AbortController();
    const went: string[] = [];
    const seen = untilLookedAt(new AbortController().signal).then(() => went.push("seen"));
    const stopped = untilLookedAt(stop.signal).then(() => went.push("stopped"));
    await Promise.resolve();
    expect(went).toEqual([]);
    stop.abort();
    await stopped;
    turn(false);
    await seen;
    expect(went).toEqual(["stopped", "seen"]);
  });
});
