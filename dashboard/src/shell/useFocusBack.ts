// Gives the focus back to what opened a dialog, once that is gone. Used by Shell.tsx.
//
// Pages draw a dialog while it is open and take it out whole; Mantine gives the focus back only to those that stay.
import { useEffect } from "react";

const DIALOG = "[role=dialog]";

export function useFocusBack(): void {
  useEffect(() => {
    let before: HTMLElement | null = null;
    // Looks only while there is a dialog: figures change each second, and are none of its business.
    const gone = new MutationObserver(() => {
      if (document.querySelector(DIALOG) !== null) return;
      gone.disconnect();
      if (document.activeElement === document.body && before?.isConnected === true) before.focus();
    });
    const focused = ({ target }: FocusEvent) => {
      if (!(target instanceof HTMLElement)) return;
      if (target.closest(DIALOG) === null) before = target;
      else gone.observe(document.body, { childList: true, subtree: true });
    };
    document.addEventListener("focusin", focused);
    return () => {
      gone.disconnect();
      document.removeEventListener("focusin", focused);
    };
  }, []);
}
