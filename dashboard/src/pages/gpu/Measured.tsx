// What a GPU measures now: utilisation, memory, temperature, power. Used by the pages of a GPU and of a workstation.
import { Quantity } from "../../components/Quantity";
import type { Sample } from "../../data/node";
import classes from "./Measured.module.css";

interface Props {
  /** Null: nothing newer than half a minute; then all of it is unknown. */
  readonly sample: Sample | null;
  readonly total: number | null;
}

export function Measured({ sample, total }: Props) {
  return (
    <dl className={classes.measured}>
      <dt>Busy</dt>
      <dd>
        <Quantity value={sample?.utilization_percent ?? null} unit="percent" />
      </dd>
      <dt>Memory</dt>
      <dd>
        <Quantity value={sample?.memory_used_bytes ?? null} unit="bytes" />
        <span className={classes.of}>
          {" of "}
          <Quantity value={total} unit="bytes" />
        </span>
      </dd>
      <dt>Temperature</dt>
      <dd>
        <Quantity value={sample?.temperature_celsius ?? null} unit="celsius" />
      </dd>
      <dt>Power</dt>
      <dd>
        <Quantity value={sample?.power_watts ?? null} unit="watts" />
      </dd>
    </dl>
  );
}
