// Arithmetic of colours: OKLCH to sRGB, contrast as WCAG defines it, and how the colour-blind see. Used by theme/palette.ts,
// and by the tests that hold the themes to their contrasts.

export interface Rgb {
  readonly r: number; // 0 to 1, with sRGB's gamma
  readonly g: number;
  readonly b: number;
}

const clamp = (x: number) => Math.min(1, Math.max(0, x));
const toGamma = (x: number) => clamp(x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055);
const toLinear = (x: number) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);

/** `lightness` 0 to 1, `chroma` about 0 to 0.3, `hue` in degrees. What sRGB cannot show is cut off. */
export function oklch(lightness: number, chroma: number, hue: number): Rgb {
  const angle = (hue * Math.PI) / 180;
  const a = chroma * Math.cos(angle);
  const b = chroma * Math.sin(angle);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return {
    r: toGamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    g: toGamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    b: toGamma(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  };
}

export function hex({ r, g, b }: Rgb): string {
  return `#${[r, g, b].map((x) => Math.round(x * 255).toString(16).padStart(2, "0")).join("")}`;
}

/** Of "#rrggbb". */
export function rgb(text: string): Rgb {
  const part = (at: number) => Number.parseInt(text.slice(at, at + 2), 16) / 255;
  return { r: part(1), g: part(3), b: part(5) };
}

export function luminance({ r, g, b }: Rgb): number {
  return 0.2126 * toLinear(r) + 0.7152 * toLinear(g) + 0.0722 * toLinear(b);
}

/** 1 to 21, as WCAG 2 counts it. */
export function contrast(one: Rgb, other: Rgb): number {
  const [low, high] = [luminance(one), luminance(other)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** How far apart two colours look: the distance in OKLab. 0.02 can just be told apart side by side. */
export function distance(one: Rgb, other: Rgb): number {
  const [x, y] = [oklab(one), oklab(other)];
  return Math.hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2]);
}

function oklab(colour: Rgb): readonly [number, number, number] {
  const [r, g, b] = [toLinear(colour.r), toLinear(colour.g), toLinear(colour.b)];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

export type Sight = "protan" | "deutan" | "tritan";

// Of Machado, Oliveira and Fernandes (2009), for the whole loss of one kind of cone.
const SIGHT: Record<Sight, readonly [number, number, number, number, number, number, number, number, number]> = {
  protan: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deutan: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritan: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};

/** What somebody with that sight sees. */
export function seenBy(sight: Sight, colour: Rgb): Rgb {
  const m = SIGHT[sight];
  const [r, g, b] = [toLinear(colour.r), toLinear(colour.g), toLinear(colour.b)];
  return {
    r: toGamma(m[0] * r + m[1] * g + m[2] * b),
    g: toGamma(m[3] * r + m[4] * g + m[5] * b),
    b: toGamma(m[6] * r + m[7] * g + m[8] * b),
  };
}
