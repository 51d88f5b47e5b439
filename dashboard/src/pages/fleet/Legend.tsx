// What the colours of the map mean; those that stand for something can be pressed to see it alone. Used by FleetPage.tsx.
import type { Paint } from "../../components/heat/HeatMap";
import type { Wanted } from "./choosing";
import type { Colouring } from "./colouring";
import classes from "./Legend.module.css";

interface Props {
  readonly colouring: Colouring;
  readonly meaning: string;
  readonly onOnly: (only: Partial<Wanted>) => void;
}

export function Legend({ colouring: { scale, entries }, meaning, onOnly }: Props) {
  return (
    <div className={classes.legend}>
      {scale !== null && (
        <span className={classes.entry}>
          {scale.from}
          <svg width={scale.colours.length * 14} height="12" aria-hidden="true">
            {scale.colours.map((colour, nth) => (
              <rect key={colour} x={nth * 14} width="14" height="12" fill={colour} />
            ))}
          </svg>
          {scale.to}
        </span>
      )}
      {entries.map(({ paint, word, count, only }) =>
        only === undefined ? (
          <span key={word} className={classes.entry}>
            <Swatch paint={paint} />
            {word} <b>{count}</b>
          </span>
        ) : (
          <button key={word} type="button" className={classes.entry} title={`Show only: ${word}`} onClick={() => onOnly(only)}>
            <Swatch paint={paint} />
            {word} <b>{count}</b>
          </button>
        ),
      )}
      <span className={classes.meaning}>{meaning}</span>
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
