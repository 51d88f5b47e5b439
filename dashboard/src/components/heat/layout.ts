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
/** So that a group's name can be read above its cells: for a letter, and at least and at most for a name. */
const LETTER = 6.8;
const NAME_LEAST = 84;
const NAME_MOST = 168;

/** What the map may take of the page's height where it is not full anyway. */
const ROOM = 340;
const SIZES = [64, 56, 48, 40, 34, 30, 26, 22];

/** Big cells where there are few. */
export function sizeFor(count: number, width: number): number {
  if (width < 500) return count > 512 ? 14 : 20;
  if (count <= 256) return 26;
  if (count <= 1100) return 18;
  return count <= 3000 ? 13 : 10;
}

interface Grid {
  readonly columns: number;
  /** How many groups stand side by side, and how wide each is. */
  readonly tiles: number;
  readonly tile: number;
  readonly size: number;
  readonly height: number;
}

/** What counts of all groups together. */
interface Whole {
  /** Cells of the biggest one. */
  readonly most: number;
  /** How wide a name is. */
  readonly name: number;
}

/** How groups stand when a cell is to be `wanted` big: those of a node in one row or in two, whichever is less high. */
function gridOf(groups: readonly Group[], whole: Whole, width: number, wanted: number): Grid {
  const fitting = Math.max(1, Math.floor((width + GAP) / (wanted + GAP)));
  if (whole.most > SMALL) return gridWith(groups, whole, width, wanted, fitting);
  const row = Math.min(COLUMNS, whole.most, fitting);
  const one = gridWith(groups, whole, width, wanted, row);
  if (row < 4) return one;
  const two = gridWith(groups, whole, width, wanted, Math.ceil(row / 2));
  return two.height < one.height ? two : one;
}

function gridWith(groups: readonly Group[], { most, name }: Whole, width: number, wanted: number, columns: number): Grid {
  const small = most <= SMALL;
  const least = small ? Math.min(width, Math.max(columns * (wanted + GAP) - GAP, name)) : width;
  const tiles = small ? Math.max(1, Math.min(groups.length, Math.floor((width + BETWEEN) / (least + BETWEEN)))) : 1;
  // What is left of the width makes the cells a little bigger.
  const tile = Math.max(least, Math.floor((width - (tiles - 1) * BETWEEN) / tiles));
  const size = Math.max(wanted, Math.min(wanted + 6, Math.floor((tile + GAP) / columns) - GAP));
  let height = -BETWEEN;
  for (let first = 0; first < groups.length; first += tiles) {
    let rows = 0;
    for (const group of groups.slice(first, first + tiles)) rows = Math.max(rows, Math.ceil(group.cells.length / columns));
    height += HEAD + rows * (size + GAP) + BETWEEN;
  }
  return { columns, tiles, tile, size, height: Math.max(0, height) };
}

/** Small groups, as nodes are, stand side by side; big ones have the whole width each. Cells are as big as leaves the map
 *  within ROOM, and never smaller than can be pointed at. */
export function layoutOf(groups: readonly Group[], width: number): Layout {
  const count = groups.reduce((sum, group) => sum + group.cells.length, 0);
  const whole = {
    most: groups.reduce((most, group) => Math.max(most, group.cells.length), 1),
    name: Math.min(NAME_MOST, groups.reduce((most, group) => Math.max(most, LETTER * lettersOf(group)), NAME_LEAST)),
  };
  const least = sizeFor(count, width);
  const grids = SIZES.filter((size) => size > least && size <= width / 4).map((size) => gridOf(groups, whole, width, size));
  const { columns, tiles, tile, size } = grids.find((grid) => grid.height <= ROOM) ?? gridOf(groups, whole, width, least);
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

const lettersOf = ({ label, note = "" }: Group) => label.length + (note === "" ? 0 : note.length + 1);

/** The place in `cells` of what is under a point; null: nothing is. */
export function hit(layout: Layout, x: number, y: number): number | null {
  const { xs, ys, size } = layout;
  for (let at = 0; at < xs.length; at += 1) {
    const [left = 0, top = 0] = [xs[at], ys[at]];
    if (x >= left - 1 && x < left + size + 1 && y >= top - 1 && y < top + size + 1) return at;
  }
  return null;
}

/** Whether the same cells stand in the same groups under the same words: then nothing needs another place. */
export function alike(one: readonly Group[], other: readonly Group[]): boolean {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  return one.every((group, nth) => {
    const { key, label, note, cells = [] } = other[nth] ?? {};
    if (group.key !== key || group.label !== label || group.note !== note) return false;
    return group.cells === cells || (group.cells.length === cells.length && group.cells.every((cell, at) => cell === cells[at]));
  });
}

export type Way = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown" | "Home" | "End" | "PageUp" | "PageDown";

/** Where a key leads from a place: up and down go to what is nearest there, page up and down to the groups' first cells. */
export function moved(layout: Layout, from: number, way: Way): number {
  const last = layout.cells.length - 1;
  if (way === "Home") return 0;
  if (way === "End") return last;
  if (way === "ArrowLeft") return Math.max(0, from - 1);
  if (way === "ArrowRight") return Math.min(last, from + 1);
  if (way === "PageUp" || way === "PageDown") return beside(layout, from, way === "PageDown");
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

/** The first cell of the next group; or of this one, or of the one before where this is its first already. */
function beside({ heads, cells }: Layout, from: number, next: boolean): number {
  let first = 0;
  let before = 0;
  for (const { group } of heads) {
    const end = first + group.cells.length;
    if (from < end) {
      if (!next) return from > first ? first : before;
      return end < cells.length ? end : from;
    }
    [before, first] = [first, end];
  }
  return from;
}
