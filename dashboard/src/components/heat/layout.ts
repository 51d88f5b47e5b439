// Where the cells of a heat map stand. Pure; used by HeatMap.tsx. All in pixels.

export interface Group {
  readonly key: string;
  readonly label: string;
  /** Beside the label, smaller. */
  readonly note?: string;
  /** Numbers of rows, which the page knows. */
  readonly cells: readonly number[];
}

export interface Head {
  readonly group: Group;
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface Layout {
  readonly height: number;
  readonly size: number;
  readonly heads: readonly Head[];
  /** In reading order. */
  readonly cells: readonly number[];
  readonly xs: Float32Array;
  readonly ys: Float32Array;
}

export const GAP = 2;
const HEAD = 20;
const BETWEEN = 12;
const SMALL = 16;
const COLUMNS = 8;

/** Big cells where there are few. */
export function sizeFor(count: number, width: number): number {
  if (width < 500) return count > 512 ? 14 : 20;
  if (count <= 256) return 26;
  if (count <= 1100) return 18;
  return count <= 3000 ? 13 : 10;
}

/** Small groups, as nodes are, stand side by side; big ones have the whole width each. */
export function layoutOf(groups: readonly Group[], width: number): Layout {
  const count = groups.reduce((sum, group) => sum + group.cells.length, 0);
  const most = Math.max(1, ...groups.map((group) => group.cells.length));
  const wanted = sizeFor(count, width);
  const fitting = Math.max(1, Math.floor((width + GAP) / (wanted + GAP)));
  const small = most <= SMALL;
  const columns = small ? Math.min(COLUMNS, most, fitting) : fitting;
  const least = small ? Math.max(columns * (wanted + GAP) - GAP, 84) : width;
  const tiles = small ? Math.max(1, Math.floor((width + BETWEEN) / (least + BETWEEN))) : 1;
  // What is left of the width makes the cells a little bigger.
  const tile = Math.max(least, Math.floor((width - (tiles - 1) * BETWEEN) / tiles));
  const size = Math.max(wanted, Math.min(wanted + 6, Math.floor((tile + GAP) / columns) - GAP));
  const pitch = size + GAP;

  const heads: Head[] = [];
  const cells: number[] = [];
  const xs = new Float32Array(count);
  const ys = new Float32Array(count);
  let top = 0;
  for (let first = 0; first < groups.length; first += tiles) {
    let high = 0;
    for (const [nth, group] of groups.slice(first, first + tiles).entries()) {
      const left = nth * (tile + BETWEEN);
      heads.push({ group, x: left, y: top, width: tile });
      for (const [at, cell] of group.cells.entries()) {
        xs[cells.length] = left + (at % columns) * pitch;
        ys[cells.length] = top + HEAD + Math.floor(at / columns) * pitch;
        cells.push(cell);
      }
      high = Math.max(high, HEAD + Math.ceil(group.cells.length / columns) * pitch);
    }
    top += high + BETWEEN;
  }
  return { height: Math.max(0, top - BETWEEN), size, heads, cells, xs, ys };
}

/** The place in `cells` of what is under a point; null: nothing is. */
export function hit(layout: Layout, x: number, y: number): number | null {
  const { xs, ys, size } = layout;
  for (let at = 0; at < xs.length; at += 1) {
    const [left = 0, top = 0] = [xs[at], ys[at]];
    if (x >= left - 1 && x < left + size + 1 && y >= top - 1 && y < top + size + 1) return at;
  }
  return null;
}

export type Way = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown" | "Home" | "End";

/** Where a key leads from a place: up and down go to what is nearest there. */
export function moved(layout: Layout, from: number, way: Way): number {
  const last = layout.cells.length - 1;
  if (way === "Home") return 0;
  if (way === "End") return last;
  if (way === "ArrowLeft") return Math.max(0, from - 1);
  if (way === "ArrowRight") return Math.min(last, from + 1);
  const [x = 0, y = 0] = [layout.xs[from], layout.ys[from]];
  const down = way === "ArrowDown";
  let best = from;
  let least = Infinity;
  for (let at = 0; at <= last; at += 1) {
    const [dx, dy] = [(layout.xs[at] ?? 0) - x, (layout.ys[at] ?? 0) - y];
    if (down ? dy <= 0 : dy >= 0) continue;
    const far = Math.abs(dy) * 1000 + Math.abs(dx);
    if (far < least) [best, least] = [at, far];
  }
  return best;
}
