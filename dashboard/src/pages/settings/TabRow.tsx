// The tabs of a page, and the panel of the one that is open: arrow keys move along them. Used by page settings.
import { type KeyboardEvent, type ReactNode, useId } from "react";
import css from "./TabRow.module.css";

interface Props<T extends string> {
  readonly label: string;
  readonly tabs: readonly (readonly [value: T, name: string])[];
  readonly open: T;
  readonly onOpen: (value: T) => void;
  /** What is in the open one. */
  readonly children: ReactNode;
}

export function TabRow<T extends string>({ label, tabs, open, onOpen, children }: Props<T>) {
  const id = useId();
  const press = (event: KeyboardEvent<HTMLElement>) => {
    const at = tabs.findIndex(([value]) => value === open);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
    const next = to === undefined ? undefined : tabs[(to + tabs.length) % tabs.length];
    if (next === undefined) return;
    event.preventDefault();
    onOpen(next[0]);
    event.currentTarget.querySelector<HTMLElement>(`[data-value="${next[0]}"]`)?.focus();
  };
  return (
    <>
      <div role="tablist" aria-label={label} className={css.tabs} onKeyDown={press}>
        {tabs.map(([value, name]) => (
          <button
            key={value}
            type="button"
            role="tab"
            id={`${id}-${value}`}
            data-value={value}
            className={css.tab}
            aria-selected={value === open}
            aria-controls={`${id}-panel`}
            tabIndex={value === open ? 0 : -1}
            onClick={() => onOpen(value)}
          >
            {name}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${open}`}>
        {children}
      </div>
    </>
  );
}
