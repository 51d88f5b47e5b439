// Label matchers: as people type them, as the API has them, and whom they mean. Pure.
// Used by the forms of silences, rules and routes. The same reading as the controller's: every label needs one
// of its values, `gpu*` is a beginning, and `rule`, `severity` and `metric` count as labels.

import type { Alert, Labels, Matches } from "../../data/alerting";

export interface Read {
  readonly matches: Matches;
  /** What is wrong with the text, in a sentence; null: nothing. */
  readonly wrong: string | null;
}

const LABEL = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const PART = /([^\s=]+)=("(?:[^"\\]|\\.)*"|[^\s]*)|(\S+)/g;

/** `node=gpu01 rule=gpu-*`; the same label again means either; a value with blanks stands in quotes. */
export function readMatches(text: string): Read {
  const found: Record<string, string[]> = {};
  for (const part of text.matchAll(PART)) {
    const [, label, value, odd] = part;
    if (odd !== undefined || label === undefined || value === undefined) {
      return { matches: {}, wrong: `"${odd ?? part[0]}" is no LABEL=VALUE, like node=gpu01` };
    }
    if (!LABEL.test(label)) {
      return { matches: {}, wrong: `"${label}" is no name of a label: letters, digits and _` };
    }
    const plain = value.startsWith('"') ? unquoted(value) : value;
    const values = (found[label] ??= []);
    if (!values.includes(plain)) values.push(plain);
  }
  return { matches: found, wrong: null };
}

/** The text that `readMatches` reads. */
export function writeMatches(matches: Matches): string {
  return Object.entries(matches)
    .flatMap(([label, values]) => values.map((value) => `${label}=${quoted(value)}`))
    .join(" ");
}

export function matchesOf(labels: Labels): Matches {
  return Object.fromEntries(Object.entries(labels).map(([label, value]) => [label, [value]]));
}

export function labelsBut(labels: Labels, ...names: readonly string[]): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([label]) => !names.includes(label)));
}

/** Everything that a matcher may ask of an alert. */
export function factsOf(alert: Pick<Alert, "labels" | "rule" | "severity" | "metric">): Labels {
  return { ...alert.labels, rule: alert.rule, severity: alert.severity, metric: alert.metric };
}

export function fits(matches: Matches, facts: Labels): boolean {
  return Object.entries(matches).every(([label, values]) => {
    const own = facts[label] ?? "";
    return values.some((value) =>
      value.endsWith("*") ? own.startsWith(value.slice(0, -1)) : own === value,
    );
  });
}

function quoted(value: string): string {
  return value === "" || /[\s"\\]/.test(value) ? `"${value.replace(/(["\\])/g, "\\$1")}"` : value;
}

function unquoted(value: string): string {
  return value.slice(1, -1).replace(/\\(["\\])/g, "$1");
}
