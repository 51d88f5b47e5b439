// A menu beneath a button: arrow keys walk it, Escape closes it. In words as Mantine's menu, whose floating would cost a
// tenth of all JavaScript here. Used by the top bar, and by pages for what can be done with a row.
//
//   <Menu><Menu.Target><ActionIcon …/></Menu.Target><Menu.Dropdown><Menu.Item onClick={…}>Drain</Menu.Item></Menu.Dropdown></Menu>
import { cloneElement, createContext, type KeyboardEvent, type ReactElement, type ReactNode, use, useId } from "react";
import classes from "./Menu.module.css";
import { type Popup, usePopup } from "./usePopup";

const Opened = createContext<(Popup & { readonly id: string }) | null>(null);

function useOpened(): Popup & { readonly id: string } {
  const found = use(Opened);
  if (found === null) throw new Error("parts of a menu are for within <Menu>");
  return found;
}

export function Menu({ children }: { readonly children: ReactNode }) {
  const popup = usePopup();
  const id = useId();
  return <Opened value={{ ...popup, id }}>{children}</Opened>;
}

/** Around one button. */
function Target({ children }: { readonly children: ReactElement }) {
  const { open, target, toggle, id } = useOpened();
  const more = { ref: target, onClick: toggle, "aria-haspopup": "menu", "aria-expanded": open, "aria-controls": open ? id : undefined };
  return cloneElement(children as ReactElement<Record<string, unknown>>, more);
}

function Dropdown({ children }: { readonly children: ReactNode }) {
  const { open, panel, close, id } = useOpened();
  if (!open) return null;
  const press = (event: KeyboardEvent<HTMLElement>) => {
    const items = [...event.currentTarget.querySelectorAll<HTMLElement>("[role=menuitem]:not(:disabled)")];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const last = items.length - 1;
    const to = { ArrowDown: at === last ? 0 : at + 1, ArrowUp: at <= 0 ? last : at - 1, Home: 0, End: last }[event.key];
    if (event.key === "Tab") close(true);
    if (to === undefined) return;
    event.preventDefault();
    items[to]?.focus();
  };
  return (
    <div id={id} ref={panel} popover="manual" role="menu" tabIndex={-1} className={classes.panel} onKeyDown={press}>
      {children}
    </div>
  );
}

interface ItemProps {
  readonly onClick: () => void;
  /** "red": it cannot be taken back. */
  readonly color?: "red";
  readonly leftSection?: ReactNode;
  readonly disabled?: boolean;
  readonly closeMenuOnClick?: boolean;
  readonly children: ReactNode;
}

function Item({ onClick, color, leftSection, disabled = false, closeMenuOnClick = true, children }: ItemProps) {
  const { close } = useOpened();
  return (
    <button
      type="button"
      role="menuitem"
      tabIndex={-1}
      className={classes.item}
      data-danger={color === "red" || undefined}
      disabled={disabled}
      onClick={() => {
        if (closeMenuOnClick) close(true);
        onClick();
      }}
    >
      {leftSection}
      {children}
    </button>
  );
}

function Label({ children }: { readonly children: ReactNode }) {
  return <p className={classes.label}>{children}</p>;
}

Menu.Target = Target;
Menu.Dropdown = Dropdown;
Menu.Item = Item;
Menu.Label = Label;
