// A figure with its unit, or that it is unknown. Used in tables, cards and lists.
import { type Quantity as Figure, quantity, type Unit } from "../data/format/quantity";
import classes from "./Quantity.module.css";
import { Unknown } from "./Unknown";

type Props = { readonly why?: string | undefined } & (
  | { readonly value: Figure | null }
  | { readonly value: number | null; readonly unit: Unit }
);

export function Quantity(props: Props) {
  if (props.value === null) return <Unknown why={props.why} />;
  const shown = "unit" in props && typeof props.value === "number" ? quantity(props.value, props.unit) : props.value;
  if (typeof shown === "number") return shown;
  return (
    <span className={classes.quantity}>
      {shown.value}
      {shown.unit !== "" && <span className={classes.unit}>{`\u202f${shown.unit}`}</span>}
    </span>
  );
}
