// GPU-hours, energy and percentages with their units, as page usage writes them.
import { type Quantity, grouped } from "../../components/quantity";

/** "0.25", "12.5", "1 234"; null: not known. */
export function gpuHours(hours: number | null): Quantity | null {
  return hours === null ? null : { value: short(hours), unit: "GPU-h" };
}

export function energy(kwh: number | null): Quantity | null {
  if (kwh === null) return null;
  return kwh >= 10_000 ? { value: short(kwh / 1000), unit: "MWh" } : { value: short(kwh), unit: "kWh" };
}

/** 0 to 100. What is not nothing is not shown as nothing. */
export function percent(part: number | null): Quantity | null {
  if (part === null) return null;
  const value = part > 0 && part < 0.1 ? "<0.1" : part < 10 ? part.toFixed(1) : part.toFixed(0);
  return { value: part === 0 ? "0" : value, unit: "%" };
}

function short(value: number): string {
  if (value === 0) return "0";
  return value >= 1000 ? grouped(value) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
