// What is wrong with a GPU or a node: of the alerts that stand, those about it, the worst first. Pure; used by
// the pages of nodes and GPUs. A finding of health is an alert of the rule "finding", with its cause.

import type { StandingAlert } from "../../data/standing-alert";

export interface Finding {
  readonly id: string;
  readonly severity: "info" | "warning" | "critical";
  readonly title: string;
  /** Why it is so; null where nobody says. */
  readonly cause: string | null;
  readonly next: string | null;
  /** RFC 3339. */
  readonly since: string;
  /** False while it is not known whether it still holds. */
  readonly certain: boolean;
  /** Of which GPU; null: of the node as a whole. */
  readonly uuid: string | null;
  readonly index: string | null;
}

const RANKS = { critical: 0, warning: 1, info: 2 } as const;

/** Of those alerts, all about that node; with `uuid`, about that GPU or about the node as a whole. */
export function findingsOf(alerts: readonly StandingAlert[], node: string, uuid?: string): readonly Finding[] {
  return alerts
    .filter((alert) => alert.state === "firing" || alert.state === "no-data")
    .filter((alert) => alert.labels.node === node)
    .filter((alert) => uuid === undefined || !("uuid" in alert.labels) || alert.labels.uuid === uuid)
    .map(findingOf)
    .sort((a, b) => Number(b.certain) - Number(a.certain) || RANKS[a.severity] - RANKS[b.severity]);
}

function findingOf(alert: StandingAlert): Finding {
  const uncertain = alert.state === "no-data";
  return {
    id: alert.fingerprint,
    severity: alert.severity,
    title: alert.summary,
    cause: uncertain
      ? "Nothing has been heard of it lately, so nobody knows whether this holds."
      : alert.annotations.cause ?? alert.annotations.why ?? null,
    next: alert.next_step,
    since: alert.started_at,
    certain: !uncertain,
    uuid: alert.labels.uuid ?? null,
    index: alert.labels.gpu ?? null,
  };
}
