// The names of a chart's lines with their values now or under the pointer; of a single line also its least, mean and most.
// Two lines high at least, so that a chart with one line does not grow when its values come. Used by Chart.tsx.
import { ActionIcon } from "@mantine/core";
import { clock, exact } from "../../data/format/moment";
import type { Unit } from "../../data/format/quantity";
import { Icon } from "../Icon";
import { Quantity } from "../Quantity";
import type { Lines } from "./Chart";
import classes from "./Chart.module.css";
import { summaryOf } from "./summary";

interface Props {
  readonly lines: Lines;
  readonly colours: readonly string[];
  readonly unit: Unit;
  /** Which moment; null: the last. */
  readonly at: number | null;
  readonly focused: number | null;
  readonly hidden: ReadonlySet<string>;
  readonly table: boolean;
  readonly onPoint: (nth: number | null) => void;
  readonly onToggle: (nth: number) => void;
  readonly onTable: () => void;
}

export function Legend({ lines, colours, unit, at, focused, hidden, table, onPoint, onToggle, onTable }: Props) {
  const moment = at === null ? undefined : lines.times[at];
  const [only] = lines.lines;
  const summary = lines.lines.length === 1 && only !== undefined ? summaryOf(only.values) : null;
  return (
    <figcaption className={classes.legend}>
      <span className={classes.when} title={moment === undefined ? undefined : exact(moment * 1000)}>
        {moment === undefined ? "latest" : clock(moment * 1000)}
      </span>
      <div className={classes.entries} data-dim={focused !== null || undefined}>
        {lines.lines.map((line, nth) => (
          <button
            key={`${line.label} ${nth}`}
            type="button"
            className={classes.entry}
            aria-pressed={!hidden.has(line.label)}
            data-focused={focused === nth || undefined}
            title={hidden.has(line.label) ? "Show this line" : "Hide this line"}
            onClick={() => onToggle(nth)}
            onPointerEnter={() => onPoint(nth)}
            onPointerLeave={() => onPoint(null)}
            onFocus={() => onPoint(nth)}
            onBlur={() => onPoint(null)}
          >
            <svg width="12" height="4" aria-hidden="true">
              <line x1="0" y1="2" x2="12" y2="2" stroke={colours[nth]} strokeWidth="3" strokeDasharray={line.before === true ? "3 2" : undefined} />
            </svg>
            <span>{line.label}</span>
            <b className={classes.value}>
              <Quantity value={(at === null ? line.values.at(-1) : line.values[at]) ?? null} unit={unit} />
            </b>
          </button>
        ))}
        {summary !== null && (
          <span className={classes.summary}>
            least <Quantity value={summary.least} unit={unit} /> · mean <Quantity value={summary.mean} unit={unit} /> · most{" "}
            <Quantity value={summary.most} unit={unit} />
          </span>
        )}
      </div>
      <ActionIcon size={24} aria-label="Values as a table" title="Values as a table" aria-expanded={table} onClick={onTable}>
        <Icon name="list" />
      </ActionIcon>
    </figcaption>
  );
}
