// Alerts, rules and routes to test the pure parts with.

import type { Alert, Rule } from "../../data/alerting";

export function alert(given: Partial<Alert> = {}): Alert {
  return {
    fingerprint: "fe0c56cc5b51c396", rule: "gpu-hot", metric: "gpu_temperature_celsius", state: "firing",
    severity: "warning", labels: { gpu: "0", node: "gpu01" }, series: { gpu: "0", node: "gpu01" }, extra: {},
    annotations: {}, value: 91, started_at: "2026-11-26T20:00:00.000Z", fired_at: "2026-11-26T20:02:00.000Z",
    ended_at: null, why: "the condition has held for long enough", ack: null, held: 120, clear: null, blind: null,
    summary: "GPU 0 of gpu01 is at 91 °C", next_step: null, muted: null, told: [], ...given,
  };
}

export function rule(given: Partial<Rule> = {}): Rule {
  return {
    name: "gpu-hot", metric: "gpu_temperature_celsius", of: null, op: ">", threshold: 88, for: 120,
    keep_firing_for: 0, severity: "warning", labels: {}, scope: {}, annotations: {}, no_data: "ignore",
    enabled: true, origin: "shipped", standing: 0, ...given,
  };
}
