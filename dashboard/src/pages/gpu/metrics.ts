// What charts of GPUs show, in their order. Used by the pages of nodes and GPUs.

export interface ChartOf {
  readonly metric: string;
  readonly title: string;
  readonly unit: "percent" | "bytes" | "celsius" | "watts";
}

export const CHARTS: readonly ChartOf[] = [
  { metric: "gpu_utilization_percent", title: "Utilisation", unit: "percent" },
  { metric: "gpu_memory_used_bytes", title: "Memory used", unit: "bytes" },
  { metric: "gpu_temperature_celsius", title: "Temperature", unit: "celsius" },
  { metric: "gpu_power_watts", title: "Power", unit: "watts" },
];

/** The end of the scale, where the metric has one. `memory`: of the card, or of the largest of several. */
export function mostOf(chart: ChartOf, memory: number | null): number | null {
  if (chart.unit === "percent") return 100;
  return chart.unit === "bytes" ? memory : null;
}
