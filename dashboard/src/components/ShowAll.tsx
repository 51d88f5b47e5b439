// Beneath a list that shows its first ones: shows the rest, and fewer again. Used by the pages of the fleet and of a GPU.
import type { ReactNode } from "react";
import classes from "./ShowAll.module.css";

interface Props {
  readonly onToggle: () => void;
  readonly children: ReactNode;
}

export function ShowAll({ onToggle, children }: Props) {
  return (
    <button type="button" className={classes.more} onClick={onToggle}>
      {children}
    </button>
  );
}
