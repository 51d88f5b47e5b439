// Where there is nothing: why, and what to do next. Used by tables and pages.
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
      {icon !== undefined && <Icon name={icon} />}
      <h3>{title}</h3>
      {children !== undefined && <div className={classes.words}>{children}</div>}
      {action}
    </div>
  );
}
