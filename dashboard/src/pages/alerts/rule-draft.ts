// A rule while it is being written: every field as text, what is wrong with it, and what the API takes. Pure.
// Used by the editor of rules.

import type { Comparison, Matches, Rule, Severity, WrittenRule } from "../../data/alerting";
import { readMatches, writeMatches } from "./matching";
import { readSpan, writeSpan } from "./span";

export interface RuleDraft {
  readonly name: string;
  readonly metric: string;
  readonly of: string;
  readonly op: Comparison;
  readonly threshold: string;
  readonly hold: string;
  readonly keep: string;
  readonly severity: Severity;
  readonly scope: string;
  readonly labels: string;
  readonly summary: string;
  readonly nextStep: string;
  readonly noData: WrittenRule["no_data"];
  readonly enabled: boolean;
  /** What a form has no field for, and is not to be lost. */
  readonly others: Readonly<Record<string, string>>;
}

export type Wrong = Partial<Record<keyof RuleDraft, string>>;
export const COMPARISONS: readonly Comparison[] = [">", ">=", "<", "<=", "==", "!="];
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/;
const METRIC = /^[A-Za-z_:][A-Za-z0-9_:]{0,199}$/;
const RESERVED = ["rule", "severity", "metric"];

export const EMPTY: RuleDraft = {
  name: "", metric: "", of: "", op: ">", threshold: "", hold: "2m", keep: "0s", severity: "warning", scope: "",
  labels: "", summary: "", nextStep: "", noData: "ignore", enabled: true, others: {},
};

export function draftOf(rule: WrittenRule): RuleDraft {
  const { summary = "", next_step: nextStep = "", ...others } = rule.annotations;
  return {
    name: rule.name,
    metric: rule.metric,
    of: rule.of ?? "",
    op: rule.op,
    threshold: String(rule.threshold),
    hold: writeSpan(rule.for),
    keep: writeSpan(rule.keep_firing_for),
    severity: rule.severity,
    scope: writeMatches(rule.scope),
    labels: writeMatches(lists(rule.labels)),
    summary,
    nextStep,
    noData: rule.no_data,
    enabled: rule.enabled,
    others,
  };
}

/** Per field, what is wrong with it; nothing: it may be sent. `taken`: names that are not free. */
export function wrongIn(draft: RuleDraft, taken: ReadonlySet<string>): Wrong {
  const wrong: Wrong = {};
  if (!NAME.test(draft.name)) wrong.name = "Letters, digits and _ . : - like gpu-hot";
  else if (draft.name === "finding") wrong.name = "Health findings go by this name; choose another";
  else if (taken.has(draft.name)) wrong.name = "There is a rule of that name; open that one instead";
  return { ...wrong, ...wrongWithoutName(draft) };
}

/** What a preview needs: all but the name. */
export function wrongWithoutName(draft: RuleDraft): Wrong {
  const wrong: Wrong = {};
  if (!METRIC.test(draft.metric)) wrong.metric = "The name of a metric, like gpu_temperature_celsius";
  if (draft.of !== "" && !METRIC.test(draft.of)) wrong.of = "The name of a metric, or nothing";
  if (draft.threshold.trim() === "" || !Number.isFinite(Number(draft.threshold))) {
    wrong.threshold = "A number like 88 or 0.5";
  }
  if (readSpan(draft.hold) === null) wrong.hold = "A duration like 30s, 2m or 1h";
  if (readSpan(draft.keep) === null) wrong.keep = "A duration like 30s, 2m or 1h";
  const scope = readMatches(draft.scope).wrong;
  if (scope !== null) wrong.scope = scope;
  const labels = readMatches(draft.labels);
  const several = Object.entries(labels.matches).find(([, values]) => values.length > 1)?.[0];
  const reserved = RESERVED.find((label) => label in labels.matches);
  if (labels.wrong !== null) wrong.labels = labels.wrong;
  else if (several !== undefined) wrong.labels = `${several} has two values; a label has one`;
  else if (reserved !== undefined) wrong.labels = `${reserved} is what every alert has by itself`;
  return wrong;
}

/** What the API takes. Only of a draft with nothing wrong. */
export function ruleOf(draft: RuleDraft): Omit<WrittenRule, "name"> {
  const annotations: Record<string, string> = { ...draft.others };
  if (draft.summary.trim() !== "") annotations.summary = draft.summary.trim();
  if (draft.nextStep.trim() !== "") annotations.next_step = draft.nextStep.trim();
  return {
    metric: draft.metric,
    of: draft.of === "" ? null : draft.of,
    op: draft.op,
    threshold: Number(draft.threshold),
    for: readSpan(draft.hold) ?? 0,
    keep_firing_for: readSpan(draft.keep) ?? 0,
    severity: draft.severity,
    labels: Object.fromEntries(
      Object.entries(readMatches(draft.labels).matches).map(([label, values]) => [label, values[0] ?? ""]),
    ),
    scope: readMatches(draft.scope).matches,
    annotations,
    no_data: draft.noData,
    enabled: draft.enabled,
  };
}

/** A listed rule as it is written back, as with another `enabled`. */
export function writtenOf(rule: Rule): Omit<WrittenRule, "name"> {
  return ruleOf(draftOf(rule));
}

function lists(labels: Readonly<Record<string, string>>): Matches {
  return Object.fromEntries(Object.entries(labels).map(([label, value]) => [label, [value]]));
}
