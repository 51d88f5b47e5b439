// The usage report as a file. Text is in quotation marks and written as it is, as `sentinel history export` does:
// names are data, and nothing is put before them.
import type { UseRow } from "../../data/had";

const FIELDS = ["gpu_hours", "idle_gpu_hours", "unknown_gpu_hours", "energy_kwh", "coverage"] as const;

export interface Asked {
  by: string;
  start: string;
  end: string;
}

/** RFC 4180, a row for each of `rows`; what is not known is an empty field. */
export function usageCsv({ by, start, end }: Asked, rows: readonly UseRow[]): string {
  const head = [by, ...FIELDS, "start", "end"].map(quoted);
  const lines = rows.map((row) => [
    quoted(row.key),
    ...FIELDS.map((field) => (row[field] === null ? "" : String(row[field]))),
    quoted(start),
    quoted(end),
  ]);
  return [head, ...lines].map((line) => `${line.join(",")}\r\n`).join("");
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

/** "usage-by-user-2026-11-01-2026-11-26.csv" */
export function csvName({ by, start, end }: Asked): string {
  return `usage-by-${by}-${start.slice(0, 10)}-${end.slice(0, 10)}.csv`;
}
