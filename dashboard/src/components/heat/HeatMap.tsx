// Thousands of cells in groups, on a canvas: pointed at or walked through by arrow keys, each has a card; Enter or a click
// opens it. Used by page fleet.
import { useElementSize } from "@mantine/hooks";
import { type KeyboardEvent, type PointerEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { draw, type Paint } from "./draw";
import classes from "./HeatMap.module.css";
import { type Group, hit, layoutOf, moved, type Way } from "./layout";

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

const KEYS: readonly string[] = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"] satisfies Way[];

export function HeatMap({ label, groups, paint, says, card, onOpen, head }: Props) {
  const { ref, width } = useElementSize();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [chosen, setChosen] = useState<number | null>(null);
  const layout = useMemo(() => layoutOf(groups, Math.max(width, 1)), [groups, width]);
  const at = chosen !== null && chosen < layout.cells.length ? chosen : null;
  const row = at === null ? null : (layout.cells[at] ?? null);

  useEffect(() => {
    if (canvas.current === null || width === 0) return;
    const target = canvas.current;
    const frame = requestAnimationFrame(() => draw(target, layout, width, paint));
    return () => cancelAnimationFrame(frame);
  }, [layout, width, paint]);

  const under = (event: PointerEvent<HTMLElement>) => {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    return hit(layout, event.clientX - left, event.clientY - top);
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === "Escape") setChosen(null);
    else if (event.key === "Enter" && row !== null) onOpen(row);
    else if (KEYS.includes(event.key)) setChosen(at === null ? 0 : moved(layout, at, event.key as Way));
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
        aria-label={`${label}; arrow keys walk, Enter opens`}
        aria-describedby="heat-said"
        onPointerMove={(event) => setChosen(under(event))}
        onPointerLeave={() => setChosen(null)}
        onPointerUp={(event) => {
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
      {layout.heads.map((one) => (
        <div key={one.group.key} className={classes.head} style={{ left: one.x, top: one.y, width: one.width }}>
          {head === undefined ? one.group.label : head(one.group)}
          {one.group.note !== undefined && <small>{one.group.note}</small>}
        </div>
      ))}
      {row !== null && (
        <div
          className={classes.card}
          style={{ top: y + layout.size + 8, ...(right ? { right: Math.max(0, width - x - layout.size) } : { left: x }) }}
        >
          {card(row)}
        </div>
      )}
      <span id="heat-said" className="only-read" role="status">
        {row === null ? "" : says(row)}
      </span>
    </div>
  );
}
