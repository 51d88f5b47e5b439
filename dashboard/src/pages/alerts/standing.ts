// What stands: in which order, in which groups, and what is left out. Pure. Used by the page Alerts, whose
// filters are in the URL.

import type { Alert, Matches, Severity } from "../../data/alerting";
import { factsOf, fits, readMatches } from "./matching";

/** What people call the state of an alert: one that fires may be quiet, and then that is the news. */
export type ShownState = "firing" | "no-data" | "pending" | "resolved" | "silenced" | "inhibited" | "acked";
/** "rule", "severity", "none" (one list), or the name of a label. */
export type Grouping = string;
export type Loudness = "all" | "loud" | "quiet";

export const SEVERITIES: readonly Severity[] = ["critical", "warning", "info"];
/** Offered always; other labels where there are some. */
export const GROUPINGS: readonly Grouping[] = ["rule", "node", "severity", "none"];
const NO_GROUPING = new Set(["gpu", "uuid", "finding"]); // of one card or finding alone, or of nothing common
export const FEW = 3; // lines that are not worth folding away
export const AT_FIRST = 20; // lines of a group before the rest is asked for
const OPEN_LINES = 60; // of all groups, before somebody opens more

export interface Wanted {
  readonly severities: readonly Severity[];
  readonly loudness: Loudness;
  readonly text: string;
}

export interface Group {
  readonly key: string;
  /** The heading; empty where all are in one group. */
  readonly title: string;
  readonly worst: Severity;
  readonly since: string;
  readonly loud: number;
  readonly quiet: number;
  readonly alerts: readonly Alert[];
}

export interface Counts {
  readonly critical: number;
  readonly warning: number;
  readonly info: number;
  readonly quiet: number;
  readonly pending: number;
}

export function stands(alert: Alert): boolean {
  return alert.state === "firing" || alert.state === "no-data";
}

export function shownState(alert: Alert): ShownState {
  if (!stands(alert)) return alert.state;
  if (alert.muted !== null) return alert.muted.how;
  return alert.ack !== null ? "acked" : alert.state;
}

/** Whether people are, or should be, told of it. */
export function isLoud(alert: Alert): boolean {
  return stands(alert) && alert.muted === null && alert.ack === null;
}

export function counted(alerts: readonly Alert[]): Counts {
  const found = { critical: 0, warning: 0, info: 0, quiet: 0, pending: 0 };
  for (const alert of alerts) {
    if (isLoud(alert)) found[alert.severity] += 1;
    else if (stands(alert)) found.quiet += 1;
    else if (alert.state === "pending") found.pending += 1;
  }
  return found;
}

/** Only those wanted. A text with `=` is read as matchers, any other is looked for in all that is shown. */
export function chosen(alerts: readonly Alert[], wanted: Wanted): readonly Alert[] {
  const says = predicate(wanted.text.trim());
  return alerts.filter(
    (alert) =>
      (wanted.severities.length === 0 || wanted.severities.includes(alert.severity)) &&
      (wanted.loudness === "all" || isLoud(alert) === (wanted.loudness === "loud")) &&
      says(alert),
  );
}

/** The group with the worst that is loud first; then by when it began. Within a group as the controller sorts. */
export function grouped(alerts: readonly Alert[], by: Grouping): readonly Group[] {
  const found = new Map<string, Alert[]>();
  for (const alert of alerts) {
    const key = keyOf(alert, by);
    const group = found.get(key);
    if (group) group.push(alert);
    else found.set(key, [alert]);
  }
  return [...found].map(([key, members]) => groupOf(key, by, members)).sort(before);
}

/** Which groups are open before somebody said anything: the loud and the small ones, as long as the page stays short. */
export function openAtFirst(groups: readonly Group[], by: Grouping): ReadonlySet<string> {
  const open = new Set<string>();
  let lines = 0;
  for (const group of groups) {
    if (by !== "none" && group.loud === 0 && group.alerts.length > FEW) continue;
    if (open.size > 0 && lines >= OPEN_LINES) break;
    open.add(group.key);
    lines += Math.min(group.alerts.length, AT_FIRST);
  }
  return open;
}

/** Labels that the alerts can be grouped by, besides those offered always. */
export function labelsOf(alerts: readonly Alert[]): readonly string[] {
  const found = new Set(alerts.flatMap((one) => Object.keys(one.labels)));
  return [...found].filter((label) => !GROUPINGS.includes(label) && !NO_GROUPING.has(label)).sort();
}

/** What silences a whole group; null: nothing tells it from others. */
export function matchesOfGroup(key: string, by: Grouping): Matches | null {
  return by === "none" || key === "" ? null : { [by]: [key] };
}

/** What silences just those that the filters leave; null: they are not chosen by labels, or not at all. */
export function matchesOfView(view: Pick<Wanted, "severities" | "text"> & { rule: string; node: string }): Matches | null {
  const text = view.text.trim();
  const read = readMatches(text);
  if (text !== "" && (!text.includes("=") || read.wrong !== null)) return null;
  const found: Matches = {
    ...read.matches,
    ...(view.rule === "" ? {} : { rule: [view.rule] }),
    ...(view.node === "" ? {} : { node: [view.node] }),
    ...(view.severities.length === 0 ? {} : { severity: view.severities }),
  };
  return Object.keys(found).length === 0 ? null : found;
}

function predicate(text: string): (alert: Alert) => boolean {
  if (text === "") return () => true;
  const read = text.includes("=") ? readMatches(text) : null;
  if (read !== null && read.wrong === null) return (alert) => fits(read.matches, factsOf(alert));
  const words = text.toLowerCase().split(/\s+/);
  return (alert) => {
    const whole = textOf(alert);
    return words.every((word) => whole.includes(word));
  };
}

// Of each alert once, not with every key of whoever types.
const texts = new WeakMap<Alert, string>();

function textOf(alert: Alert): string {
  const known = texts.get(alert);
  if (known !== undefined) return known;
  const text = [alert.summary, alert.fingerprint, ...Object.values(factsOf(alert))].join("\n").toLowerCase();
  texts.set(alert, text);
  return text;
}

function keyOf(alert: Alert, by: Grouping): string {
  if (by === "rule") return alert.rule;
  if (by === "none") return "";
  return by === "severity" ? alert.severity : (alert.labels[by] ?? "");
}

function titleOf(key: string, by: Grouping): string {
  if (key !== "" || by === "none") return key;
  return by === "node" ? "of no single node" : `without ${by}`;
}

function groupOf(key: string, by: Grouping, alerts: readonly Alert[]): Group {
  const loud = alerts.filter(isLoud);
  return {
    key,
    title: titleOf(key, by),
    worst: worstOf(loud.length > 0 ? loud : alerts),
    since: alerts.map((one) => one.started_at).reduce((a, b) => (a < b ? a : b)),
    loud: loud.length,
    quiet: alerts.filter((one) => stands(one) && !isLoud(one)).length,
    alerts,
  };
}

function worstOf(alerts: readonly Alert[]): Severity {
  return SEVERITIES.find((severity) => alerts.some((one) => one.severity === severity)) ?? "info";
}

function before(a: Group, b: Group): number {
  return (
    Number(b.loud > 0) - Number(a.loud > 0) ||
    SEVERITIES.indexOf(a.worst) - SEVERITIES.indexOf(b.worst) ||
    (a.since < b.since ? -1 : a.since > b.since ? 1 : 0) ||
    (a.key < b.key ? -1 : 1)
  );
}
