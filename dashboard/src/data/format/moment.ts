// Moments, as people say them. Pure; used by components/Time.tsx and wherever a time stands in a sentence.
import { duration } from "./quantity";

/** Epoch milliseconds of a number of them, or of RFC 3339; null: neither. */
export function momentOf(at: number | string): number | null {
  const value = typeof at === "number" ? at : Date.parse(at);
  return Number.isFinite(value) ? value : null;
}

/** "just now", "4m ago", "in 2h 5m". */
export function relative(at: number, now: number): string {
  const seconds = (at - now) / 1000;
  if (Math.abs(seconds) < 5) return "just now";
  return seconds < 0 ? `${rough(-seconds)} ago` : `in ${rough(seconds)}`;
}

/** One part, two where one would be far off. */
function rough(seconds: number): string {
  const said = duration(seconds);
  const [first = "", second] = said.split(" ");
  return second === undefined || !/^1[dhm]$/.test(first) ? first : said;
}

/** In the reader's time zone, which is said: "2026-11-26 21:35:04 UTC+1". */
export function exact(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const offset = -date.getTimezoneOffset();
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  const zone = offset === 0 ? "" : `${offset < 0 ? "−" : "+"}${hours}${minutes === 0 ? "" : `:${two(minutes)}`}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} UTC${zone}`;
}

/** "21:35:04". */
export function clock(at: number): string {
  return new Date(at).toLocaleTimeString("en-GB");
}
