// What is around every page: the navigation, the bar with the state of the fleet, the banner when the controller cannot be
// heard, the command palette. Used by App.tsx, once somebody is signed in.
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { useSignOut } from "../data/session";
import { usePlace } from "../routing/location";
import { useSchemeChoice } from "../theme/useScheme";
import { Banner } from "./Banner";
import type { Deed } from "./commands";
import { Navigation } from "./Navigation";
import { Pages } from "./Pages";
import classes from "./Shell.module.css";
import { TopBar } from "./TopBar";
import { useFocusBack } from "./useFocusBack";

const Palette = lazy(async () => ({ default: (await import("./Palette")).Palette }));
const DrainDialog = lazy(async () => ({ default: (await import("./DrainDialog")).DrainDialog }));

export function Shell() {
  const { path } = usePlace();
  const main = useRef<HTMLElement>(null);
  const [menu, setMenu] = useState<string | null>(null);
  const [palette, setPalette] = useState(false);
  const [draining, setDraining] = useState<string | null>(null);
  const out = useSignOut();
  const [, choose] = useSchemeChoice();
  useFocusBack();
  // The menu of a small screen is of the page it was opened on.
  const open = menu === path;

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select, [contenteditable]") !== null;
      const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
      const wanted = (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && plain && !typing);
      if (event.key === "Escape") setMenu(null);
      if (!wanted || document.querySelector("[role=dialog]") !== null) return;
      event.preventDefault();
      setPalette(true);
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);

  // What had the focus is gone with its page: then the next Tab begins in the new one, and not in the address bar.
  useEffect(() => {
    if (document.activeElement === document.body) main.current?.focus({ preventScroll: true });
  }, [path]);

  const does = (deed: Deed) => {
    if (deed === "sign-out") out.mutate();
    else choose(deed);
  };
  return (
    <div className={classes.shell} data-menu={open || undefined}>
      <a href="#main" className={classes.skip} onClick={() => main.current?.focus()}>
        To the page
      </a>
      <TopBar onMenu={() => setMenu(open ? null : path)} menu={open} onSearch={() => setPalette(true)} />
      <Navigation />
      {open && <div className={classes.shade} onClick={() => setMenu(null)} />}
      <main id="main" ref={main} className={classes.main} tabIndex={-1}>
        <Pages />
      </main>
      <Banner />
      <Suspense>
        {palette && <Palette onClose={() => setPalette(false)} onDeed={does} onDrain={setDraining} />}
        {draining !== null && <DrainDialog node={draining} onClose={() => setDraining(null)} />}
      </Suspense>
    </div>
  );
}
