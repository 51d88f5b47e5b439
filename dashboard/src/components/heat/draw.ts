// Draws the cells of a heat map. Used by HeatMap.tsx.
import type { Layout } from "./layout";

/** How a cell looks; by more than its colour where the colour says what it is. */
export interface Paint {
  readonly fill: string;
  /** The colour of the mark. */
  readonly ink?: string;
  readonly mark?: "hatch" | "cross" | "triangle" | "ring" | "bar" | undefined;
}

export function draw(canvas: HTMLCanvasElement, layout: Layout, width: number, paint: (row: number) => Paint): void {
  const ratio = window.devicePixelRatio;
  const [wide, high] = [Math.round(width * ratio), Math.round(layout.height * ratio)];
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
  const pen = canvas.getContext("2d");
  if (pen === null) return;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, layout.height);
  const { xs, ys, size, cells } = layout;
  for (let at = 0; at < cells.length; at += 1) {
    const look = paint(cells[at] ?? 0);
    const [x = 0, y = 0] = [xs[at], ys[at]];
    pen.fillStyle = look.fill;
    pen.fillRect(x, y, size, size);
    if (look.mark !== undefined) sign(pen, look.mark, look.ink ?? "#888", x, y, size);
  }
}

function sign(pen: CanvasRenderingContext2D, mark: NonNullable<Paint["mark"]>, ink: string, x: number, y: number, size: number): void {
  const part = size / 4;
  pen.strokeStyle = pen.fillStyle = ink;
  pen.lineWidth = Math.max(1, size / 12);
  pen.beginPath();
  if (mark === "hatch") {
    for (const shift of [0.5, 1, 1.5]) {
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
