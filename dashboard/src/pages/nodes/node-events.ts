// What an event of a node says besides its type: by whom, and why. Pure; used by NodeEvents.tsx. The data were written by
// many: whatever is no text is passed over.

/** " by ana: new driver", or less. */
export function saidOf(data: Readonly<Record<string, unknown>>): string {
  const text = (key: string) => (typeof data[key] === "string" ? data[key] : "");
  const why = text("why") || text("reason");
  return `${text("by") === "" ? "" : ` by ${text("by")}`}${why === "" ? "" : `: ${why}`}`;
}
