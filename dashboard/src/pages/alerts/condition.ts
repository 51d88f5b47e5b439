// The condition of a rule in words, and the line that an alert's chart draws. Pure.
// Used by the lists of rules and by the page of one alert.

import type { Comparison, Rule } from "../../data/alerting";
import { saySpan } from "./span";

type Condition = Pick<Rule, "metric" | "of" | "op" | "threshold" | "for">;
export type Point = readonly [number, number | null];

const SIGN: Readonly<Record<Comparison, string>> = {
  ">": ">", ">=": "≥", "<": "<", "<=": "≤", "==": "=", "!=": "≠",
};
const UNITS: readonly (readonly [string, string])[] = [
  ["_celsius", "°C"], ["_percent", "%"], ["_watts", "W"], ["_bytes", "B"], ["_hertz", "Hz"], ["_seconds", "s"],
];

/** As in the name of a metric; empty for plain numbers. */
export function unitOf(condition: Pick<Condition, "metric" | "of">): string {
  if (condition.of !== null && condition.of !== "") return "%";
  return UNITS.find(([ending]) => condition.metric.endsWith(ending))?.[1] ?? "";
}

export function sayCondition(condition: Condition): string {
  const whole = condition.of === null ? "" : ` of ${condition.of}`;
  const hold = condition.for > 0 ? ` for ${saySpan(condition.for)}` : "";
  return `${condition.metric}${whole} ${sayThreshold(condition)}${hold}`;
}

export function sayThreshold(condition: Pick<Condition, "metric" | "of" | "op" | "threshold">): string {
  return `${SIGN[condition.op]} ${sayNumber(condition.threshold, unitOf(condition))}`;
}

/** A value with its unit; null is unknown. */
export function sayNumber(value: number | null, unit: string): string {
  if (value === null) return "unknown";
  if (unit === "B") return sayBytes(value);
  const plain = Number(value.toPrecision(6)).toLocaleString("en-GB", { maximumFractionDigits: 3 });
  return unit === "" ? plain : unit === "%" ? `${plain} %` : `${plain} ${unit}`;
}

/** A measured value as exactly as one reads it, so that those below each other can be compared: 89.1 %, 1,740 W. */
export function sayMeasured(value: number, unit: string): string {
  return sayNumber(Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)), unit);
}

function sayBytes(value: number): string {
  const size = Math.abs(value) < 1 ? 0 : Math.min(4, Math.floor(Math.log2(Math.abs(value)) / 10));
  const plain = Number((value / 1024 ** size).toPrecision(3));
  return `${plain.toLocaleString("en-GB")} ${["B", "KiB", "MiB", "GiB", "TiB"][size] ?? ""}`;
}

/** Of which unit the values of each rule's alerts are. */
export function unitsOf(rules: readonly Rule[]): ReadonlyMap<string, string> {
  return new Map(rules.map((rule) => [rule.name, unitOf(rule)]));
}

/** Each value in percent of that of the whole at the same moment. Where either is unknown, so is it. */
export function inPercent(part: readonly Point[], whole: readonly Point[]): readonly Point[] {
  const of = new Map(whole.map(([at, value]) => [at, value]));
  return part.map(([at, value]) => {
    const all = of.get(at) ?? null;
    return [at, value === null || all === null || all === 0 ? null : (100 * value) / all];
  });
}
