// How bad an alert is, and how it stands: a shape, a colour and a word each. Used by all pages of alerts.
import type { ReactNode } from "react";
import type { Alert, Severity as Name } from "../../data/alerting";
import { shownState, type ShownState } from "./standing";
import css from "./marks.module.css";

const SHAPES: Readonly<Record<Name, string>> = {
  critical: "M5 1h4l4 4v4l-4 4H5L1 9V5z",
  warning: "M7 1.5 13.2 12.5H.8z",
  info: "M7 1.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 1 1 0-11z",
};

const WORDS: Readonly<Record<ShownState, string>> = {
  firing: "firing",
  "no-data": "no data",
  pending: "pending",
  resolved: "over",
  silenced: "silenced",
  inhibited: "inhibited",
  acked: "seen",
};

const SAYS: Readonly<Record<ShownState, string>> = {
  firing: "The condition has held for long enough",
  "no-data": "What had values says nothing any more",
  pending: "The condition holds, but not for long enough yet; nobody is told",
  resolved: "It is over",
  silenced: "It stands, and a silence keeps it from being told",
  inhibited: "It stands, and is not told because of a worse one of the same cause",
  acked: "It stands, and somebody has said that they have seen it: no reminders",
};

export function Severity({ of, quiet = false, bare = false }: { of: Name; quiet?: boolean; bare?: boolean }): ReactNode {
  return (
    <span className={`${css.severity ?? ""} ${css[quiet ? "quiet" : of] ?? ""}`}>
      <svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true" className={css.shape}>
        <path d={SHAPES[of]} />
      </svg>
      <span className={bare ? "only-read" : undefined}>{of}</span>
    </span>
  );
}

export function AlertStateWord({ alert }: { alert: Alert }): ReactNode {
  const state = shownState(alert);
  return (
    <span className={`${css.state ?? ""} ${css[`state-${state}`] ?? ""}`} title={SAYS[state]}>
      {WORDS[state]}
    </span>
  );
}
