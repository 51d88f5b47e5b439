// Labels and matchers, as text alone: they come from anybody. Used by all pages of alerts.
import type { ReactNode } from "react";
import type { Labels as Names, Matches } from "../../data/alerting";
import css from "./alerts.module.css";

export function Labels({ of }: { of: Names }): ReactNode {
  return Object.entries(of).map(([label, value]) => (
    <span key={label} className={css.label}>
      {label}={value}
    </span>
  ));
}

export function MatchesShown({ of, none }: { of: Matches; none: string }): ReactNode {
  const all = Object.entries(of);
  if (all.length === 0) return <span className={css.dim}>{none}</span>;
  return all.map(([label, values]) => (
    <span key={label} className={css.label}>
      {label}={values.map((value) => (value === "" ? "(none)" : value)).join(" or ")}
    </span>
  ));
}
