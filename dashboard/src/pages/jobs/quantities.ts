// Sizes, durations and lists as people type them into the submit form. Pure; null is "not given", an Error says why.
const POWER: Record<string, number> = { "": 0, k: 1, m: 2, g: 3, t: 4, p: 5 };
const SECONDS: Record<string, number> = { s: 1, m: 60, min: 60, h: 3600, d: 86_400 };

export class Wrong extends Error {}

/** Bytes: "20GiB", "20G" and "20g" are binary, "20GB" is decimal, as on the command line. */
export function sizeOf(text: string): number | null {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  const match = /^(\d{1,15}(?:\.\d{1,9})?)\s*([kmgtp]?)(i?)(b?)$/i.exec(trimmed);
  if (match === null) throw new Wrong("Write it like 20GiB or 512MiB.");
  const [, number = "", prefix = "", binary = "", suffix = ""] = match;
  const base = suffix !== "" && prefix !== "" && binary === "" ? 1000 : 1024;
  const found = Math.round(Number(number) * base ** (POWER[prefix.toLowerCase()] ?? 0));
  if (found < 1) throw new Wrong("It must be more than nothing.");
  return found;
}

/** Seconds: "90", "90s", "2h", "1h 30m", "1.5 d". */
export function durationOf(text: string): number | null {
  const trimmed = text.trim().toLowerCase();
  if (trimmed === "") return null;
  if (/^\d{1,12}(\.\d{1,6})?$/.test(trimmed)) return positive(Number(trimmed));
  let rest = trimmed;
  let seconds = 0;
  while (rest !== "") {
    const match = /^(\d{1,12}(?:\.\d{1,6})?)\s*(min|s|m|h|d)\s*/.exec(rest);
    if (match === null) throw new Wrong("Write it like 30m, 2h or 1d 12h.");
    seconds += Number(match[1]) * (SECONDS[match[2] ?? ""] ?? 0);
    rest = rest.slice(match[0].length);
  }
  return positive(seconds);
}

function positive(found: number): number {
  if (!(found > 0)) throw new Wrong("It must be more than nothing.");
  return found;
}

/** A whole number between the two. */
export function wholeOf(text: string, least: number, most: number): number | null {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  const found = Number(trimmed);
  if (!/^-?\d+$/.test(trimmed) || found < least || found > most) {
    throw new Wrong(`A whole number from ${least} to ${most}.`);
  }
  return found;
}

/** Lines that are not empty, without blanks around them. */
export function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** "NAME=VALUE" lines; lines that begin with # are left out. */
export function environmentOf(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of text.split("\n")) {
    if (line.trim() === "" || line.trimStart().startsWith("#")) continue;
    const at = line.indexOf("=");
    const name = (at === -1 ? line : line.slice(0, at)).trim();
    if (at === -1) throw new Wrong(`${short(name)} has no value: write NAME=VALUE.`);
    if (!/^[A-Za-z_]\w*$/.test(name)) throw new Wrong(`${short(name)} is no name of a variable.`);
    if (Object.hasOwn(found, name)) throw new Wrong(`${name} is there twice.`);
    found[name] = line.slice(at + 1);
  }
  return found;
}

function short(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text || "A line";
}
