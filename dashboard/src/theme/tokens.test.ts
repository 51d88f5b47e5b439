import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { contrast, rgb } from "./colour";

const css = readFileSync(new URL("tokens.css", import.meta.url), "utf8");
const [lightPart, darkPart] = css.split('\n[data-mantine-color-scheme="dark"]');

function tokens(part: string | undefined): Map<string, string> {
  return new Map([...(part ?? "").matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1] ?? "", m[2] ?? ""]));
}

describe.each([
  ["light", tokens(lightPart)],
  ["dark", tokens(darkPart)],
])("%s", (_, found) => {
  const between = (one: string, other: string) => contrast(rgb(found.get(one) ?? ""), rgb(found.get(other) ?? ""));

  it("text can be read on everything it stands on", () => {
    for (const ground of ["bg", "surface", "sunken", "hover", "over", "raised", "unknown-soft"]) {
      expect(between("text", ground), `text on ${ground}`).toBeGreaterThan(7);
      expect(between("text-2", ground), `text-2 on ${ground}`).toBeGreaterThan(4.5);
      expect(between("accent", ground), `accent on ${ground}`).toBeGreaterThan(4.5);
    }
    expect(between("on-accent", "accent")).toBeGreaterThan(4.5);
    expect(between("on-accent", "accent-hover")).toBeGreaterThan(4.5);
    // Filled buttons that destroy have the same text as those that do not.
    expect(between("on-accent", "bad")).toBeGreaterThan(4.5);
    expect(between("accent", "accent-soft")).toBeGreaterThan(4.5);
    expect(between("text", "accent-soft")).toBeGreaterThan(7);
    expect(between("text-2", "accent-soft")).toBeGreaterThan(4.5);
  });

  it("a status can be read on its own ground and on the page", () => {
    for (const status of ["ok", "warn", "bad", "unknown"]) {
      expect(between(status, `${status}-soft`), status).toBeGreaterThan(4.5);
      expect(between(status, "surface"), status).toBeGreaterThan(4.5);
      expect(between(status, "bg"), status).toBeGreaterThan(4.5);
    }
  });

  it("what can be used has an edge that can be seen", () => {
    for (const ground of ["surface", "bg", "sunken", "over"]) expect(between("border-strong", ground)).toBeGreaterThan(3);
  });
});

it("dark gives a value to every colour that light has", () => {
  expect([...tokens(darkPart).keys()].sort()).toEqual([...tokens(lightPart).keys()].sort());
});
