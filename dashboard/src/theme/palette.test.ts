import { describe, expect, it } from "vitest";
import { contrast, distance, luminance, type Rgb, rgb, seenBy, type Sight } from "./colour";
import { NAMES, OTHERS, SCALE, type Scheme, stepOf } from "./palette";

const SURFACE: Record<Scheme, Rgb> = { light: rgb("#ffffff"), dark: rgb("#14191f") };
const SIGHTS: readonly (Sight | null)[] = [null, "protan", "deutan", "tritan"];
const seen = (sight: Sight | null, colour: string) => (sight === null ? rgb(colour) : seenBy(sight, rgb(colour)));

describe.each(["light", "dark"] as const)("%s", (scheme) => {
  it.each(SIGHTS)("the scale goes one way in lightness, for sight %s", (sight) => {
    const lights = SCALE[scheme].map((one) => luminance(seen(sight, one)));
    const sorted = [...lights].sort((x, y) => (scheme === "dark" ? x - y : y - x));
    expect(lights).toEqual(sorted);
  });

  it.each(SIGHTS)("neighbours on the scale can be told apart, for sight %s", (sight) => {
    const colours = SCALE[scheme].map((one) => seen(sight, one));
    const gaps = colours.slice(1).map((one, i) => distance(one, colours[i] ?? one));
    expect(Math.min(...gaps)).toBeGreaterThan(0.04);
  });

  it("much stands out from the page", () => {
    expect(contrast(rgb(SCALE[scheme].at(-1) ?? ""), SURFACE[scheme])).toBeGreaterThan(7);
    expect(contrast(rgb(SCALE[scheme][0] ?? ""), SURFACE[scheme])).toBeGreaterThan(1.1);
  });

  it("the colours of names stand out from the page, as graphics must", () => {
    for (const one of NAMES[scheme].slice(0, 4)) expect(contrast(rgb(one), SURFACE[scheme])).toBeGreaterThan(2.7);
    for (const one of [...NAMES[scheme], OTHERS[scheme]])
      expect(contrast(rgb(one), SURFACE[scheme])).toBeGreaterThan(2);
  });

  it.each(SIGHTS)("no two names look alike, for sight %s", (sight) => {
    const colours = NAMES[scheme].map((one) => seen(sight, one));
    const near = colours.flatMap((one, i) =>
      colours.slice(i + 1).map((other, j) => ({ pair: [i, i + 1 + j], gap: distance(one, other) })),
    );
    near.sort((x, y) => x.gap - y.gap);
    expect(near[0]?.gap, JSON.stringify(near.slice(0, 4))).toBeGreaterThan(0.06);
  });
});

describe("stepOf", () => {
  it("keeps unknown unknown", () => {
    expect(stepOf(null, 0, 100)).toBeNull();
    expect(stepOf(Number.NaN, 0, 100)).toBeNull();
  });
  it("keeps what is outside in the outermost step", () => {
    expect([-5, 0, 9.9, 10, 55, 99, 100, 120].map((v) => stepOf(v, 0, 100))).toEqual([0, 0, 0, 1, 5, 9, 9, 9]);
  });
});
