// Lengths of time as people say them in a sentence: "3 hours". Pure; used by the page of a workstation.

const PARTS = [
  [86_400, "day", 2],
  [3600, "hour", 2],
  [60, "minute", 1],
] as const;

/** "less than a minute", "a minute", "25 minutes", "90 minutes", "3 hours", "2 days": one part, and never far off. */
export function spanWords(seconds: number): string {
  for (const [length, word, least] of PARTS) {
    const count = Math.round(seconds / length);
    if (count >= least) return count === 1 ? `a ${word}` : `${count} ${word}s`;
  }
  return "less than a minute";
}

/** From then until now; null: then is not known. */
export function since(at: string | null, now: number): string | null {
  const then = at === null ? Number.NaN : Date.parse(at);
  return Number.isFinite(then) ? spanWords(Math.max(0, now - then) / 1000) : null;
}
