import { beforeEach, describe, expect, it, vi } from "vitest";
import { Drawing, type Paint } from "./draw";
import { layoutOf } from "./layout";

const layout = layoutOf([{ key: "a", label: "a", cells: [0, 1, 2] }], 400);
const filled: string[] = [];
const cleared: number[] = [];

function canvas(): HTMLCanvasElement {
  const pen = {
    fillStyle: "",
    setTransform: vi.fn(),
    clearRect: (x: number) => cleared.push(x),
    fillRect(this: { fillStyle: string }) {
      filled.push(this.fillStyle);
    },
  };
  return { width: 0, height: 0, getContext: () => pen } as unknown as HTMLCanvasElement;
}

const paints =
  (...fills: string[]) =>
  (row: number): Paint => ({ fill: fills[row] ?? "none" });

beforeEach(() => {
  filled.length = cleared.length = 0;
  vi.stubGlobal("window", { devicePixelRatio: 2 });
});

describe("a heat map's canvas", () => {
  it("is drawn whole first, in its own size", () => {
    const target = canvas();
    expect(new Drawing(target).draw(layout, 400, paints("r", "g", "b"))).toBe(3);
    expect(filled).toEqual(["r", "g", "b"]);
    expect(target.width).toBe(800);
    expect(cleared).toEqual([]);
  });

  it("then where something looks otherwise, and nowhere else", () => {
    const drawing = new Drawing(canvas());
    drawing.draw(layout, 400, paints("r", "g", "b"));
    filled.length = 0;
    expect(drawing.draw(layout, 400, paints("r", "x", "b"))).toBe(1);
    expect(filled).toEqual(["x"]);
    expect(cleared).toEqual([(layout.xs[1] ?? 0) - 1]);
    expect(drawing.draw(layout, 400, paints("r", "x", "b"))).toBe(0);
  });

  it("and whole again where cells stand elsewhere, or the canvas was lost", () => {
    const drawing = new Drawing(canvas());
    drawing.draw(layout, 400, paints("r", "g", "b"));
    expect(drawing.draw(layoutOf([{ key: "a", label: "a", cells: [0, 1, 2] }], 300), 300, paints("r", "g", "b"))).toBe(3);
    drawing.forget();
    expect(drawing.draw(layout, 400, paints("r", "g", "b"))).toBe(3);
  });
});
