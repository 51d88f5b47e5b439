// Durations as rules and routes have them: what people type, and as text that is read again. Pure.
// Used by the forms of rules, routes and silences.

const SPAN = /^\s*(\d{1,6}(?:\.\d{1,3})?)\s*(s|sec|m|min|h|d)\s*$/i;
const SIZE: Readonly<Record<string, number>> = { s: 1, sec: 1, m: 60, min: 60, h: 3600, d: 86400 };
export const LONGEST = 10 * 366 * 86400;

/** Seconds; null: that is no duration. Nothing, and 0, are 0. */
export function readSpan(text: string): number | null {
  const plain = text.trim();
  if (plain === "" || plain === "0") return 0;
  const match = SPAN.exec(plain);
  const size = SIZE[match?.[2]?.toLowerCase() ?? ""];
  if (!match || size === undefined) return null;
  const found = Number(match[1]) * size;
  return found <= LONGEST ? found : null;
}

/** The shortest text that means as many seconds: "90s", "2m", "4h". */
export function writeSpan(seconds: number): string {
  if (seconds === 0) return "0s";
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["m", 60]] as const) {
    if (seconds % size === 0) return `${seconds / size}${unit}`;
  }
  return `${seconds}s`;
}

/** For people: "2 min", "1 h 30 min". */
export function saySpan(seconds: number): string {
  if (seconds < 1) return seconds === 0 ? "at once" : `${Math.round(seconds * 1000)} ms`;
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]] as const) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
    else if (parts.length > 0) break;
  }
  return parts.slice(0, 2).join(" ");
}
