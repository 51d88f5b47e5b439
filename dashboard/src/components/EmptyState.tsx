// Where there is nothing: why, and what to do next. Used by tables and pages; within a panel or a table it has no edge of
// its own, elsewhere it is a panel (see EmptyState.module.css).
import type { ReactNode } from "react";
import classes from "./EmptyState.module.css";
import { Icon, type IconName } from "./Icon";

interface Props {
  readonly title: string;
  readonly icon?: IconName;
  readonly action?: ReactNode;
  readonly children?: ReactNode;
}

export function EmptyState({ title, icon, action, children }: Props) {
  return (
    <div className={classes.empty}>
      {icon !== undefined && (
        <span className={classes.icon}>
          <Icon name={icon} />
        </span>
      )}
      <p className={classes.title}>{title}</p>
      {children !== undefined && <div className={classes.words}>{children}</div>}
      {action !== undefined && action !== false && action !== null && <div className={classes.action}>{action}</div>}
    </div>
  );
}
