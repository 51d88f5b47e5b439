// Who is signed in decides what is shown: the pages, or the form to sign in. Used by main.tsx.
//
// A session that ends while something is being written only covers the pages with that form: who signs in again finds them
// at the same address, with what was written. They are forgotten when somebody else signs in.
import { useQueryClient } from "@tanstack/react-query";
import { Activity, useEffect, useState } from "react";
import { Refusal } from "../components/Refusal";
import { MeContext, type Me } from "../data/me";
import { useWhoami, WHOAMI } from "../data/session";
import { Login } from "../pages/login/Login";
import classes from "./App.module.css";
import { Shell } from "./Shell";
import { useOtherTabs } from "./useOtherTabs";

/** Milliseconds until what is covered has let go of its streams. Who is back sooner gets the pages anew. */
const LETTING_GO = 2500;

export function App() {
  const { me, error, again } = useWhoami();
  const client = useQueryClient();
  const [last, setLast] = useState<Me | null>(null);
  const [covered, setCovered] = useState(false);
  const [settled, setSettled] = useState(false);
  const [round, setRound] = useState(0);

  // While it is not known (as just after signing in), what was shown stays.
  if (me === null && !covered) setCovered(true);
  if (me !== null && me !== undefined) {
    if (covered) {
      setCovered(false);
      if (!settled) setRound(round + 1);
      setSettled(false);
    }
    if (me !== last) setLast(me);
  }
  useEffect(() => {
    if (!covered) return;
    const timer = setTimeout(() => setSettled(true), LETTING_GO);
    return () => clearTimeout(timer);
  }, [covered]);
  useOtherTabs(me === undefined ? undefined : (me?.user ?? null), () => void client.invalidateQueries({ queryKey: WHOAMI }));

  if (last === null && !covered) {
    return error === null ? null : (
      <main className={classes.trouble}>
        <h1>Sentinel</h1>
        <Refusal error={error} again={again} />
      </main>
    );
  }
  return (
    <>
      {last !== null && (
        <Activity mode={covered ? "hidden" : "visible"} key={`${last.user} ${round}`}>
          <MeContext value={last}>
            <Shell />
          </MeContext>
        </Activity>
      )}
      {covered && (
        <div className={classes.cover}>
          <Login />
        </div>
      )}
    </>
  );
}
