// Labels and matchers, as text alone: they come from anybody. Used by all pages of alerts.
import type { ReactNode } from "react";
import type { Labels as Names, Matches } from "../../data/alerting";
import { Link } from "../../routing/Link";
import css from "./alerts.module.css";
import { writeMatches } from "./matching";

interface Props {
  readonly of: Names;
  /** Each leads to all alerts that have it. */
  readonly linked?: boolean;
}

export function Labels({ of, linked = false }: Props): ReactNode {
  return Object.entries(of).map(([label, value]) =>
    linked ? (
      <Link
        key={label}
        className={css.label}
        to={`/alerts?q=${encodeURIComponent(writeMatches({ [label]: [value] }))}`}
        title="All alerts with this label"
      >
        {label}={value}
      </Link>
    ) : (
      <span key={label} className={css.label}>
        {label}={value}
      </span>
    ),
  );
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
