// Draws the cells of a heat map, and again only those that look otherwise than before. Used by HeatMap.tsx.
import type { Layout } from "./layout";

/** How a cell looks; by more than its colour where the colour says what it is. */
export interface Paint {
  readonly fill: string;
  /** The colour of the mark. */
  readonly ink?: string;
  readonly mark?: "hatch" | "cross" | "triangle" | "ring" | "bar" | undefined;
}

export const sameLook = (one: Paint | undefined, other: Paint): boolean =>
  one === other || (one?.fill === other.fill && one.mark === other.mark && one.ink === other.ink);

/** A canvas, and what is on it. One for as long as the canvas is there. */
export class Drawing {
  readonly #canvas: HTMLCanvasElement;
  #layout: Layout | null = null;
  #ratio = 0;
  #looks: Paint[] = [];

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
  }

  /** What was on it is gone, or may be: the next time all is drawn. */
  forget(): void {
    this.#layout = null;
  }

  /** How many cells were drawn. */
  draw(layout: Layout, width: number, paint: (row: number) => Paint): number {
    const ratio = window.devicePixelRatio;
    const pen = this.#canvas.getContext("2d");
    if (pen === null) return 0;
    if (this.#layout !== layout || this.#ratio !== ratio) {
      // Setting the size empties the canvas, also where it stays the same.
      this.#canvas.width = Math.round(width * ratio);
      this.#canvas.height = Math.round(layout.height * ratio);
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      [this.#layout, this.#ratio, this.#looks] = [layout, ratio, []];
    }
    const { xs, ys, size, cells } = layout;
    let drawn = 0;
    for (let at = 0; at < cells.length; at += 1) {
      const look = paint(cells[at] ?? 0);
      const before = this.#looks[at];
      if (sameLook(before, look)) continue;
      this.#looks[at] = look;
      drawn += 1;
      const [x = 0, y = 0] = [xs[at], ys[at]];
      // Marks reach a little over the edge; half of the gap is the cell's own.
      if (before !== undefined) pen.clearRect(x - 1, y - 1, size + 2, size + 2);
      pen.fillStyle = look.fill;
      pen.fillRect(x, y, size, size);
      if (look.mark !== undefined) sign(pen, look.mark, look.ink ?? "#888", x, y, size);
    }
    return drawn;
  }
}

function sign(pen: CanvasRenderingContext2D, mark: NonNullable<Paint["mark"]>, ink: string, x: number, y: number, size: number): void {
  const part = size / 4;
  pen.strokeStyle = pen.fillStyle = ink;
  pen.lineWidth = Math.max(1, Math.min(2, size / 12));
  pen.beginPath();
  if (mark === "hatch") {
    // As far apart in a big cell as in a small one.
    const lines = Math.max(2, Math.round(size / 9));
    for (let nth = 1; nth < 2 * lines; nth += 1) {
      const shift = nth / lines;
      pen.moveTo(x + Math.max(0, shift - 1) * size, y + Math.min(1, shift) * size);
      pen.lineTo(x + Math.min(1, shift) * size, y + Math.max(0, shift - 1) * size);
    }
  } else if (mark === "cross") {
    pen.moveTo(x + part, y + part);
    pen.lineTo(x + size - part, y + size - part);
    pen.moveTo(x + size - part, y + part);
    pen.lineTo(x + part, y + size - part);
  } else if (mark === "triangle") {
    pen.moveTo(x + size / 2, y + part);
    pen.lineTo(x + size - part, y + size - part);
    pen.lineTo(x + part, y + size - part);
    pen.fill();
    return;
  } else if (mark === "ring") pen.rect(x + 0.5, y + 0.5, size - 1, size - 1);
  else {
    pen.fillRect(x + part, y + size / 2 - part / 2, size - 2 * part, part);
    return;
  }
  pen.stroke();
}
