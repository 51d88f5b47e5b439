// The frame of every page: its title, when what it shows was had, what can be done; and panels within it.
import { type ReactNode, useEffect } from "react";
import classes from "./Page.module.css";
import { Time } from "./Time";

interface PageProps {
  readonly title: string;
  /** Beside the title: a badge, a way back. */
  readonly beside?: ReactNode;
  /** Epoch milliseconds; left out where the page says it otherwise. */
  readonly fetchedAt?: number | null | undefined;
  /** What is shown is old, and is greyed. */
  readonly stale?: boolean;
  readonly actions?: ReactNode;
  readonly children?: ReactNode;
}

export function Page({ title, beside, fetchedAt, stale = false, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Sentinel`;
  }, [title]);
  return (
    <div className={classes.page}>
      <header className={classes.head}>
        <div className={classes.naming}>
          <h1>{title}</h1>
          {beside}
          {fetchedAt !== undefined && fetchedAt !== null && (
            <span className={classes.as} data-stale={stale || undefined}>
              {stale ? "old, as of " : "as of "}
              <Time at={fetchedAt} />
            </span>
          )}
        </div>
        {actions !== undefined && <div className={classes.actions}>{actions}</div>}
      </header>
      <div className={classes.body} data-stale={stale || undefined}>
        {children}
      </div>
    </div>
  );
}

interface PanelProps {
  readonly title?: ReactNode;
  readonly actions?: ReactNode;
  /** Without room around what is in it: for tables. */
  readonly flush?: boolean;
  readonly children?: ReactNode;
}

export function Panel({ title, actions, flush = false, children }: PanelProps) {
  return (
    <section className={classes.panel}>
      {(title !== undefined || actions !== undefined) && (
        <header className={classes.title}>
          {typeof title === "string" ? <h2>{title}</h2> : title}
          {actions !== undefined && <div className={classes.actions}>{actions}</div>}
        </header>
      )}
      <div className={flush ? undefined : classes.inner}>{children}</div>
    </section>
  );
}
