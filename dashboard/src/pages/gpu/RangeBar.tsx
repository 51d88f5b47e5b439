// Which part of the past charts show, and what it is compared with. Used by the pages of nodes and GPUs; all of it is in the
// URL.
import { Button, NativeSelect, SegmentedControl } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { localText, typedRange, COMPARES, SPANS, type TimeRange } from "./time-range";
import classes from "./RangeBar.module.css";

interface Props {
  readonly range: TimeRange;
  readonly onRange: (text: string) => void;
  readonly compare: string;
  readonly onCompare: (text: string) => void;
  /** More to choose, before the rest. */
  readonly children?: ReactNode;
}

export function RangeBar({ range, onRange, compare, onCompare, children }: Props) {
  const [typing, type] = useState(false);
  return (
    <div className={classes.bar}>
      {children}
      <label className={classes.compare}>
        Earlier
        <NativeSelect
          size="xs"
          data={COMPARES.map(([value, label]) => ({ value, label }))}
          value={compare}
          onChange={(event) => onCompare(event.currentTarget.value)}
        />
      </label>
      <SegmentedControl
        size="xs"
        aria-label="How far back"
        data={[...SPANS.map(([value, , label]) => ({ value, label })), { value: "", label: range.span === null ? spanText(range) : "Custom" }]}
        value={typing ? "" : (range.span ?? "")}
        onChange={(value) => {
          type(value === "");
          if (value !== "") onRange(value);
        }}
      />
      {(typing || range.span === null) && (
        <Typed
          key={`${range.span ?? "fixed"} ${range.span === null ? `${range.start} ${range.end}` : ""}`}
          range={range}
          onRange={(text) => {
            type(false);
            onRange(text);
          }}
        />
      )}
    </div>
  );
}

function Typed({ range, onRange }: Pick<Props, "range" | "onRange">) {
  const [from, setFrom] = useState(localText(range.start));
  const [to, setTo] = useState(localText(range.end));
  const [wrong, setWrong] = useState("");
  return (
    <form
      className={classes.typed}
      onSubmit={(event) => {
        event.preventDefault();
        const found = typedRange(from, to, Date.now() / 1000);
        setWrong("wrong" in found ? found.wrong : "");
        if ("text" in found) onRange(found.text);
      }}
    >
      <input type="datetime-local" aria-label="From" value={from} onChange={(event) => setFrom(event.currentTarget.value)} />
      to
      <input type="datetime-local" aria-label="To" value={to} onChange={(event) => setTo(event.currentTarget.value)} />
      <Button type="submit" size="compact-sm" variant="default">
        Show
      </Button>
      {wrong !== "" && <span role="alert">{wrong}</span>}
    </form>
  );
}

function spanText({ start, end }: TimeRange): string {
  const minutes = Math.round((end - start) / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}
