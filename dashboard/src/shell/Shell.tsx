// What is around every page: the navigation, the bar with the state of the fleet, the banner when the controller cannot be
// heard, the command palette. Used by App.tsx, once somebody is signed in.
import { useEffect, useState } from "react";
import { usePlace } from "../routing/location";
import { Banner } from "./Banner";
import { Navigation } from "./Navigation";
import { Pages } from "./Pages";
import { Palette } from "./Palette";
import classes from "./Shell.module.css";
import { TopBar } from "./TopBar";

export function Shell() {
  const { path } = usePlace();
  const [menu, setMenu] = useState<string | null>(null);
  const [palette, setPalette] = useState(false);
  // The menu of a small screen is of the page it was opened on.
  const open = menu === path;

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select, [contenteditable]") !== null;
      const wanted = (event.key === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !typing);
      if (!wanted || document.querySelector("[role=dialog]") !== null) return;
      event.preventDefault();
      setPalette(true);
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);

  return (
    <div className={classes.shell} data-menu={open || undefined}>
      <a href="#main" className={classes.skip}>
        To the page
      </a>
      <TopBar onMenu={() => setMenu(open ? null : path)} menu={open} onSearch={() => setPalette(true)} />
      <Navigation />
      <main id="main" className={classes.main} tabIndex={-1}>
        <Banner />
        <Pages />
      </main>
      {palette && <Palette onClose={() => setPalette(false)} />}
    </div>
  );
}
