// Which part of the past charts show, and what it is compared with. Used by the pages of nodes and GPUs; both are in the URL.
import { NativeSelect, SegmentedControl } from "@mantine/core";
import { COMPARES, SPANS, type TimeRange } from "./time-range";
import classes from "./RangeBar.module.css";

interface Props {
  readonly range: TimeRange;
  readonly onRange: (text: string) => void;
  readonly compare?: string;
  readonly onCompare?: (text: string) => void;
}

export function RangeBar({ range, onRange, compare, onCompare }: Props) {
  return (
    <div className={classes.bar}>
      <SegmentedControl
        size="xs"
        aria-label="How far back"
        data={SPANS.map(([value, , label]) => ({ value, label }))}
        value={range.span ?? ""}
        onChange={onRange}
      />
      {range.span === null && (
        <span className={classes.fixed}>
          {timeText(range.start)} to {timeText(range.end)}
        </span>
      )}
      {compare !== undefined && onCompare !== undefined && (
        <label className={classes.compare}>
          Compare with
          <NativeSelect
            size="xs"
            data={COMPARES.map(([value, label]) => ({ value, label }))}
            value={compare}
            onChange={(event) => onCompare(event.currentTarget.value)}
          />
        </label>
      )}
    </div>
  );
}

function timeText(seconds: number): string {
  return new Date(seconds * 1000).toLocaleString("en-GB", {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  });
}
