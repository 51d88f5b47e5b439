// Which rows of a long table are drawn: those that can be seen, and some around them. Pure; used by DataTable.tsx.

export const ROW = 32; // pixels; --row in theme/tokens.css
export const MANY = 200; // up to this many, all are drawn
const AROUND = 12;

export interface Slice {
  readonly from: number;
  readonly to: number;
}

export function sliceOf(count: number, top: number, height: number): Slice {
  if (count <= MANY) return { from: 0, to: count };
  const first = Math.floor(top / ROW);
  const from = Math.max(0, Math.min(first, count - 1) - AROUND);
  return { from, to: Math.min(count, Math.ceil((top + height) / ROW) + AROUND) };
}
