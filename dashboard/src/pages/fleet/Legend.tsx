// What the colours of the map mean. Used by FleetPage.tsx.
import type { Paint } from "../../components/heat/HeatMap";
import type { Colouring } from "./colouring";
import classes from "./FleetPage.module.css";

export function Legend({ colouring: { scale, entries } }: { readonly colouring: Colouring }) {
  return (
    <div className={classes.legend}>
      {scale !== null && (
        <span className={classes.scale}>
          {scale.from}
          <svg width={scale.colours.length * 14} height="12" aria-hidden="true">
            {scale.colours.map((colour, nth) => (
              <rect key={colour} x={nth * 14} width="14" height="12" fill={colour} />
            ))}
          </svg>
          {scale.to}
        </span>
      )}
      {entries.map(({ paint, word, count }) => (
        <span key={word} className={classes.entry}>
          <Swatch paint={paint} />
          {word} <b>{count}</b>
        </span>
      ))}
    </div>
  );
}

function Swatch({ paint: { fill, ink, mark } }: { readonly paint: Paint }) {
  return (
    <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
      <rect width="12" height="12" fill={fill} />
      {mark === "hatch" && <path d="M0 6 6 0M0 12 12 0M6 12 12 6" stroke={ink} />}
      {mark === "cross" && <path d="M3 3l6 6M9 3 3 9" stroke={ink} strokeWidth="1.4" />}
      {mark === "triangle" && <path d="M6 3 9 9H3Z" fill={ink} />}
      {mark === "ring" && <rect x=".5" y=".5" width="11" height="11" fill="none" stroke={ink} />}
      {mark === "bar" && <rect x="3" y="4.500" width="6" height="3" fill={ink} />}
    </svg>
  );
}
