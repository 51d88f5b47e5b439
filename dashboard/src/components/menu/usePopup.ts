// What opens beneath a button and lies above everything, dialogs too: where it stands, and when it closes. The browser's own
// top layer does it, and no library. Used by Menu.tsx, ManyChoice.tsx and ColumnChoice.tsx.
import { type RefObject, useEffect, useEffectEvent, useRef, useState } from "react";
import { placeOf } from "./place";

export interface Popup {
  readonly open: boolean;
  /** Of the button. */
  readonly target: RefObject<HTMLButtonElement | null>;
  /** Of what opens: it has the attribute popover="manual". */
  readonly panel: RefObject<HTMLDivElement | null>;
  readonly toggle: () => void;
  /** `back`: the button has the focus again. */
  readonly close: (back?: boolean) => void;
}

export function usePopup(): Popup {
  const [open, setOpen] = useState(false);
  const target = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const close = (back = false) => {
    setOpen(false);
    if (back) target.current?.focus();
  };
  const away = useEffectEvent((event: Event) => {
    const inside = event.target instanceof Node && (panel.current?.contains(event.target) === true || target.current?.contains(event.target) === true);
    if (!inside) close();
  });
  const press = useEffectEvent((event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    // Of this alone: a dialog around it stays.
    event.preventDefault();
    event.stopPropagation();
    close(true);
  });

  useEffect(() => {
    const [button, box] = [target.current, panel.current];
    if (!open || button === null || box === null) return;
    const place = () => {
      const { left, top } = placeOf(button.getBoundingClientRect(), { width: box.offsetWidth, height: box.offsetHeight }, { width: window.innerWidth, height: window.innerHeight });
      box.style.left = `${left}px`;
      box.style.top = `${top}px`;
    };
    const leave = (event: Event) => away(event);
    const key = (event: KeyboardEvent) => press(event);
    box.showPopover();
    place();
    box.querySelector<HTMLElement>("[role=menuitem]:not(:disabled), input, button")?.focus({ preventScroll: true });
    document.addEventListener("pointerdown", leave, true);
    document.addEventListener("keydown", key, true);
    window.addEventListener("scroll", place, { capture: true, passive: true });
    window.addEventListener("resize", place);
    return () => {
      document.removeEventListener("pointerdown", leave, true);
      document.removeEventListener("keydown", key, true);
      window.removeEventListener("scroll", place, { capture: true });
      window.removeEventListener("resize", place);
    };
  }, [open]);
  return { open, target, panel, toggle: () => setOpen(!open), close };
}
