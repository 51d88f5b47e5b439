// Thousands of cells in groups, on a canvas: pointed at or walked through by arrow keys, each has a card; Enter or a click
// opens it. Used by page fleet.
import { type KeyboardEvent, memo, type PointerEvent, type ReactNode, type RefCallback, useCallback, useId, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Drawing, type Paint } from "./draw";
import { sayDrawn } from "./first-drawn";
import classes from "./HeatMap.module.css";
import { alike, type Group, type Head, hit, layoutOf, moved, type Way } from "./layout";
import { useWidth } from "./useWidth";

export type { Group } from "./layout";
export type { Paint } from "./draw";

interface Props {
  readonly label: string;
  readonly groups: readonly Group[];
  /** Memoised: another one draws all anew. */
  readonly paint: (row: number) => Paint;
  /** What is said of a cell, for those who hear the page. */
  readonly says: (row: number) => string;
  readonly card: (row: number) => ReactNode;
  readonly onOpen: (row: number) => void;
  /** What a group's label leads to. */
  readonly head?: (group: Group) => ReactNode;
}

const KEYS: readonly string[] = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"] satisfies Way[];

/** What stays in sight around the cell that the keys are at: its card beneath, the bar of the page above. */
const BENEATH = 240;
const ABOVE = 80;

export function HeatMap({ label, groups, paint, says, card, onOpen, head }: Props) {
  const [ref, width] = useWidth();
  const [chosen, setChosen] = useState<number | null>(null);
  // Where the keys were: whoever comes back goes on there.
  const last = useRef(0);
  const said = useId();
  const steady = useSteady(groups);
  const layout = useMemo(() => layoutOf(steady, Math.max(width, 1)), [steady, width]);
  const canvas = useDrawing(layout, width, paint);
  const at = chosen !== null && chosen < layout.cells.length ? chosen : null;
  const row = at === null ? null : (layout.cells[at] ?? null);

  const under = (event: PointerEvent<HTMLElement>) => {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    return hit(layout, event.clientX - left, event.clientY - top);
  };
  const walk = (to: number, map: HTMLElement) => {
    last.current = to;
    setChosen(to);
    const top = map.getBoundingClientRect().top + (layout.ys[to] ?? 0);
    const over = Math.max(0, top + layout.size + BENEATH - window.innerHeight) || Math.min(0, top - ABOVE);
    if (over !== 0) window.scrollBy({ top: over });
  };
  const press = (event: KeyboardEvent<HTMLElement>) => {
    if (event.key === "Escape") setChosen(null);
    else if (event.key === "Enter" && row !== null) onOpen(row);
    else if (KEYS.includes(event.key)) walk(at === null ? 0 : moved(layout, at, event.key as Way), event.currentTarget);
    else return;
    event.preventDefault();
  };

  const [x = 0, y = 0] = at === null ? [] : [layout.xs[at], layout.ys[at]];
  const right = x > width / 2;
  return (
    <div ref={ref} className={classes.whole} style={{ height: layout.height }}>
      <div
        className={classes.map}
        role="application"
        tabIndex={0}
        aria-label={`${label}, ${layout.cells.length}; arrow keys walk, page keys go by group, Enter opens`}
        aria-describedby={said}
        onPointerMove={(event) => setChosen(under(event))}
        onPointerLeave={() => setChosen(null)}
        onFocus={({ currentTarget }) => {
          if (chosen === null && currentTarget.matches(":focus-visible")) walk(Math.min(last.current, layout.cells.length - 1), currentTarget);
        }}
        onPointerUp={(event) => {
          if (event.button !== 0) return;
          const found = under(event);
          const cell = found === null ? undefined : layout.cells[found];
          // By touch, the first one shows the card, the second one opens.
          if (cell !== undefined && (event.pointerType !== "touch" || found === at)) onOpen(cell);
        }}
        onKeyDown={press}
        onBlur={() => setChosen(null)}
      >
        <canvas ref={canvas} className={classes.canvas} style={{ width, height: layout.height }} />
        {at !== null && (
          <span className={classes.chosen} style={{ left: x - 2, top: y - 2, width: layout.size + 4, height: layout.size + 4 }} />
        )}
      </div>
      <Heads heads={layout.heads} head={head} />
      {row !== null && (
        <div
          className={classes.card}
          style={{ top: y + layout.size + 8, ...(right ? { right: Math.max(0, width - x - layout.size) } : { left: x }) }}
        >
          {card(row)}
        </div>
      )}
      <span id={said} className="only-read" role="status">
        {row === null ? "" : says(row)}
      </span>
    </div>
  );
}

interface HeadsProps {
  readonly heads: readonly Head[];
  readonly head: Props["head"];
}

/** Drawn again when they stand elsewhere, not each time that a cell looks otherwise. */
const Heads = memo(function Heads({ heads, head }: HeadsProps) {
  return heads.map(({ group, x, y, width }) => (
    <div key={group.key} className={classes.head} style={{ left: x, top: y, width }}>
      {head === undefined ? group.label : head(group)}
      {group.note !== undefined && <small>{group.note}</small>}
    </div>
  ));
});

/** The groups as they were, for as long as they say the same. */
function useSteady(groups: readonly Group[]): readonly Group[] {
  const [held, setHeld] = useState(groups);
  if (held === groups || alike(held, groups)) return held;
  setHeld(groups);
  return groups;
}

/** Draws on the canvas that the answer is given to: within the frame that the change is for. */
function useDrawing(layout: ReturnType<typeof layoutOf>, width: number, paint: Props["paint"]) {
  const drawing = useRef<Drawing | null>(null);
  const latest = useRef({ layout, width, paint });
  useLayoutEffect(() => {
    latest.current = { layout, width, paint };
    if (drawing.current === null || width === 0) return;
    sayDrawn(drawing.current.draw(layout, width, paint));
  }, [layout, width, paint]);
  return useCallback<RefCallback<HTMLCanvasElement>>((canvas) => {
    if (canvas === null) return;
    const made = new Drawing(canvas);
    drawing.current = made;
    // The browser may take a canvas away that it draws by the graphics card, and give it back empty.
    const back = () => {
      made.forget();
      made.draw(latest.current.layout, latest.current.width, latest.current.paint);
    };
    canvas.addEventListener("contextrestored", back);
    return () => {
      canvas.removeEventListener("contextrestored", back);
      drawing.current = null;
    };
  }, []);
}
