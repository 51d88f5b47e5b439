// Silences: their end as people choose it, and weekly hours in words. Pure. Used by the page Silences.

import type { Silence, Weekly } from "../../data/alerting";

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const CLOCK = /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/;
const SHOWN: Readonly<Record<string, string>> = {
  mon: "Mon", tue: "Tue", wed: "Wed", thu: "Thu", fri: "Fri", sat: "Sat", sun: "Sun",
};

/** "Sat, Sun all day" or "Mon–Fri 22:00 to 06:00 the next day", and the zone. */
export function sayWeekly(weekly: Weekly): string {
  const whole = weekly.begin === "00:00" && (weekly.end === "24:00" || weekly.end === "00:00");
  const over = weekly.end <= weekly.begin ? " the next day" : "";
  const hours = whole ? "all day" : `${weekly.begin} to ${weekly.end}${over}`;
  return `${sayDays(weekly.days)} ${hours} (${weekly.zone})`;
}

export function sayDays(days: readonly string[]): string {
  const places = DAYS.flatMap((day, place) => (days.includes(day) ? [place] : []));
  const parts: string[] = [];
  for (let at = 0; at < places.length; ) {
    let end = at;
    while (places[end + 1] === (places[end] ?? 0) + 1) end += 1;
    const [first, last] = [dayAt(places[at]), dayAt(places[end])];
    if (end - at >= 2) parts.push(`${first}–${last}`);
    else for (let one = at; one <= end; one += 1) parts.push(dayAt(places[one]));
    at = end + 1;
  }
  return parts.join(", ");
}

export function wrongInWeekly(weekly: Weekly): string | null {
  if (weekly.days.length === 0) return "Choose at least one day";
  if (!CLOCK.test(weekly.begin) || !CLOCK.test(weekly.end)) return "Times of day are written like 08:30, at most 24:00";
  return /^[A-Za-z0-9_+/-]{1,64}$/.test(weekly.zone) ? null : "A time zone like Europe/Berlin or UTC";
}

/** Those in force first, then those that wait, then those that ended; which ends next is first. */
export function inOrder(silences: readonly Silence[]): readonly Silence[] {
  const rank = { active: 0, waiting: 1, ended: 2 };
  return [...silences].sort(
    (a, b) =>
      rank[a.state] - rank[b.state] ||
      (a.end < b.end ? -1 : 1) * (a.state === "ended" ? -1 : 1),
  );
}

/** What `<input type="datetime-local">` has, as a moment; null: it is none. */
export function momentOf(local: string): Date | null {
  const found = new Date(local);
  return local === "" || Number.isNaN(found.getTime()) ? null : found;
}

/** A moment as `<input type="datetime-local">` wants it. */
export function localOf(moment: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  return `${day}T${two(moment.getHours())}:${two(moment.getMinutes())}`;
}

function dayAt(place: number | undefined): string {
  return SHOWN[DAYS[place ?? 0] ?? ""] ?? "";
}
