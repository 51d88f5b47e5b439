// The colours of data: a scale from little to much, and a set for names. Used by heat maps, charts and their legends.
// theme/palette.test.ts checks that neighbours can be told apart, also by the colour-blind.
import { hex, oklch } from "./colour";

export type Scheme = "light" | "dark";

const STEPS = 10;

/** From little to much. Lightness alone orders it; the hue goes from blue to yellow, which every sight tells apart.
 *  Much is what stands out: bright on dark, dark on light. */
export const SCALE: Record<Scheme, readonly string[]> = {
  dark: steps((t) => hex(oklch(0.29 + 0.6 * t, 0.07 + 0.08 * t, 268 - 168 * t))),
  light: steps((t) => hex(oklch(0.93 - 0.6 * t, 0.055 + 0.075 * Math.sin(Math.PI * (0.15 + 0.75 * t)), 105 + 165 * t))),
};

/** For names: owners, series of a chart. Beyond these, things share OTHERS. */
export const NAMES: Record<Scheme, readonly string[]> = {
  dark: [
    oklch(0.72, 0.14, 255),
    oklch(0.82, 0.15, 75),
    oklch(0.62, 0.13, 165),
    oklch(0.66, 0.19, 20),
    oklch(0.88, 0.1, 200),
    oklch(0.56, 0.18, 300),
    oklch(0.92, 0.13, 115),
    oklch(0.74, 0.17, 340),
  ].map(hex),
  light: [
    oklch(0.52, 0.16, 258),
    oklch(0.68, 0.15, 62),
    oklch(0.6, 0.12, 168),
    oklch(0.55, 0.2, 25),
    oklch(0.74, 0.1, 215),
    oklch(0.4, 0.17, 300),
    oklch(0.36, 0.09, 135),
    oklch(0.64, 0.2, 345),
  ].map(hex),
};

export const OTHERS: Record<Scheme, string> = { dark: "#6b7686", light: "#939dab" };

function steps(of: (t: number) => string): readonly string[] {
  return Array.from({ length: STEPS }, (_, i) => of(i / (STEPS - 1)));
}

/** Which step `value` falls into: 0 to 9, null for unknown. Below `from` is the first, above `to` the last. */
export function stepOf(value: number | null, from: number, to: number): number | null {
  if (value === null || !Number.isFinite(value)) return null;
  return Math.min(STEPS - 1, Math.max(0, Math.floor(((value - from) / (to - from)) * STEPS)));
}
