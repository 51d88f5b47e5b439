// Figures with their units, as people read them. Pure; used by components/Quantity.tsx, charts and tables.
// What is not known is null here and drawn as unknown there: never 0.

export interface Quantity {
  readonly value: string;
  /** May be empty. */
  readonly unit: string;
}

export type Unit = "percent" | "bytes" | "celsius" | "watts" | "count" | "seconds";

const NARROW = "\u202f";

/** 1234567 → "1 234 567". */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString("en").replaceAll(",", NARROW);
}

export function quantity(value: number, unit: Unit): Quantity {
  switch (unit) {
    case "percent":
      return { value: value > 0 && value < 0.5 ? "<1" : value.toFixed(0), unit: "%" };
    case "bytes":
      return bytes(value);
    case "celsius":
      return { value: value.toFixed(0), unit: "°C" };
    case "watts":
      return value >= 10_000 ? { value: (value / 1000).toFixed(1), unit: "kW" } : { value: grouped(value), unit: "W" };
    case "count":
      return { value: grouped(value), unit: "" };
    case "seconds":
      return { value: duration(value), unit: "" };
  }
}

const POWERS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** In powers of 1024, as memory is sold. */
export function bytes(value: number): Quantity {
  let power = 0;
  let left = Math.abs(value);
  while (left >= 1023.5 && power < POWERS.length - 1) {
    left /= 1024;
    power += 1;
  }
  const digits = power === 0 || left >= 99.95 || Number.isInteger(left) ? 0 : 1;
  return { value: `${value < 0 ? "−" : ""}${left.toFixed(digits)}`, unit: POWERS[power] ?? "B" };
}

/** "2d 3h", "4h 5m", "1m 12s", "8s": the two greatest parts. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor((whole % 86_400) / 3600), "h"],
    [Math.floor((whole % 3600) / 60), "m"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0s";
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(" ");
}

/** As one text: "12 °C". */
export function said({ value, unit }: Quantity): string {
  return unit === "" ? value : `${value}\u00a0${unit}`;
}
