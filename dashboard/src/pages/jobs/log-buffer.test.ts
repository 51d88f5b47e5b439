import { describe, expect, it } from "vitest";

import { LogBuffer, LONGEST_LINE, shown } from "./log-buffer";

const bytes = (text: string) => new TextEncoder().encode(text);

function all(buffer: LogBuffer): string[] {
  return Array.from({ length: buffer.length }, (_, at) => buffer.line(at));
}

describe("LogBuffer", () => {
  it("makes the same lines of whatever pieces", () => {
    const text = "first\nzweite Zeile äöü €\n\n\u001b[31mred\u001b[0m\nopen";
    const whole = bytes(text);
    for (const size of [1, 2, 3, 7, whole.length]) {
      const buffer = new LogBuffer();
      for (let at = 0; at < whole.length; at += size) buffer.append(whole.slice(at, at + size));
      expect(all(buffer)).toEqual(["first", "zweite Zeile äöü €", "", "red", "open"]);
    }
  });

  it("lets the last line grow", () => {
    const buffer = new LogBuffer();
    buffer.append(bytes("a"));
    expect(all(buffer)).toEqual(["a"]);
    buffer.append(bytes("b\n"));
    expect(all(buffer)).toEqual(["ab"]);
  });

  it("shows a progress bar as it is last", () => {
    const buffer = new LogBuffer();
    buffer.append(bytes("  1 %\r 50 %"));
    expect(all(buffer)).toEqual([" 50 %"]);
    buffer.append(bytes("\r100 %\r\nnext\r\n"));
    expect(all(buffer)).toEqual(["100 %", "next"]);
  });

  it("does not grow with a progress bar that never ends", () => {
    const buffer = new LogBuffer();
    for (let at = 0; at < 20_000; at++) buffer.append(bytes(`\r${at} of many`));
    expect(all(buffer)).toEqual(["19999 of many"]);
  });

  it("drops the oldest, and says how many", () => {
    const buffer = new LogBuffer(100);
    for (let at = 0; at < 1000; at++) buffer.append(bytes(`${at}\n`));
    expect(buffer.length).toBeLessThanOrEqual(110);
    expect(buffer.line(0)).toBe(String(buffer.dropped));
    expect(buffer.line(buffer.length - 1)).toBe("999");
  });

  it("puts a note on a line of its own", () => {
    const buffer = new LogBuffer();
    buffer.append(bytes("open"));
    buffer.note("something is missing");
    buffer.append(bytes("on\n"));
    expect(all(buffer)).toEqual(["open", "something is missing", "on"]);
  });

  it("finds text whatever its case", () => {
    const buffer = new LogBuffer();
    buffer.append(bytes("Loss 1\nother\nepoch LOSS\n"));
    expect(buffer.find("loss")).toEqual([0, 2]);
    expect(buffer.find("")).toEqual([]);
  });
});

describe("shown", () => {
  it.each([
    ["\u001b]0;title\u0007text", "text"],
    ["\u001b[1;32mok\u001b[K", "ok"],
    ["a\u0000b", "a\ufffdb"],
    ["\u202edcba", "\ufffddcba"],
    ["a\tb", "a    b"],
  ])("%j", (raw, text) => {
    expect(shown(raw)).toBe(text);
  });

  it("cuts what is too long to be looked at", () => {
    expect(shown("x".repeat(LONGEST_LINE + 5))).toMatch(/x … \(5 more characters\)$/);
  });
});
