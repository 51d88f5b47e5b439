// Asks before somebody leaves what is not saved: by a link within the dashboard here, by closing the tab in the
// browser's own words. Used by the page Routes and by the editor of rules.
import { useEffect, useState, type ReactNode } from "react";
import { Confirm } from "../../components/Confirm";
import { go } from "../../routing/location";
import { leadsAway } from "./leads-away";

interface Props {
  /** What is not saved: "the routes". */
  readonly what: string;
  /** What becomes of it: lost, or kept as a draft. */
  readonly children: ReactNode;
}

/** Shown while there is something that is not saved. */
export function Unsaved({ what, children }: Props): ReactNode {
  const [to, setTo] = useState<string | null>(null);
  useEffect(() => {
    const unload = (event: BeforeUnloadEvent): void => event.preventDefault();
    // Before any link of the page hears of the click.
    const click = (event: MouseEvent): void => {
      const link = event.target instanceof Element ? event.target.closest("a") : null;
      const away = link === null ? null : leadsAway(link, event, window.location);
      if (away === null) return;
      event.preventDefault();
      event.stopPropagation();
      setTo(away);
    };
    window.addEventListener("beforeunload", unload);
    document.addEventListener("click", click, true);
    return () => {
      window.removeEventListener("beforeunload", unload);
      document.removeEventListener("click", click, true);
    };
  }, []);
  if (to === null) return null;
  return (
    <Confirm
      title={`Go without saving ${what}?`}
      act="Go without saving"
      danger
      onClose={() => setTo(null)}
      onConfirm={() => {
        setTo(null);
        go(to);
      }}
    >
      {children}
    </Confirm>
  );
}
