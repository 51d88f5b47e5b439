// What was had of GPUs, taken apart: computing, idle, not known. Used by the usage page's bars, figures and table.
import type { Use } from "../../data/had";

/** GPU-hours; together they are what was held. */
export interface Parts {
  busy: number;
  idle: number;
  unknown: number;
}

export function partsOf(use: Use): Parts {
  if (use.idle_gpu_hours === null) return { busy: 0, idle: 0, unknown: use.gpu_hours };
  const unknown = Math.min(use.gpu_hours, Math.max(0, use.unknown_gpu_hours));
  const idle = Math.min(use.gpu_hours - unknown, Math.max(0, use.idle_gpu_hours));
  return { busy: use.gpu_hours - unknown - idle, idle, unknown };
}

/** 0 to 100, of the time in which it was known whether the GPU was idle; null: it never was. */
export function idlePercent(use: Use): number | null {
  const known = use.gpu_hours - use.unknown_gpu_hours;
  if (use.idle_gpu_hours === null || known <= 0) return null;
  return 100 * Math.min(1, Math.max(0, use.idle_gpu_hours / known));
}

/** kWh that idle GPUs took, at the most: as if they had taken as much as the others. null: not known. */
export function idleEnergyAtMost(use: Use): number | null {
  if (use.idle_gpu_hours === null || use.energy_kwh === null || use.gpu_hours <= 0) return null;
  return use.energy_kwh * Math.min(1, Math.max(0, use.idle_gpu_hours / use.gpu_hours));
}
