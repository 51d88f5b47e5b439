// Times on the usage page. A report's days are UTC, so these are, too: in another zone they would not be days.
import type { Period } from "./periods";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** "24 Nov", or "14:00" of an hour: what fits below a bar. */
export function dayLabel({ start, end }: Period): string {
  return end - start < DAY ? clock(start) : day(start);
}

/** "24 Nov 2026", "20 Nov to 26 Nov 2026", "24 Nov 2026, 14:00 to 15:00". All UTC. */
export function periodLabel({ start, end }: Period): string {
  if (end - start < DAY) return `${dated(start)}, ${clock(start)} to ${clock(end)} UTC`;
  return end - start > DAY ? `${day(start)} to ${dated(end - DAY)}` : `${dated(start)}, UTC`;
}

function day(at: number): string {
  const date = new Date(at);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()] ?? ""}`;
}

function dated(at: number): string {
  return `${day(at)} ${new Date(at).getUTCFullYear()}`;
}

function clock(at: number): string {
  return new Date(at).toISOString().slice(11, 16);
}
