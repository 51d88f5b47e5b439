// Tabs of one browser share a session: who signs out in one is signed out in all. Used by App.tsx.
import { useEffect, useEffectEvent } from "react";

const KEY = "sentinel.user";

/** What a tab does about what another one said. Pure. */
export type Heed = "nothing" | "ask" | "reload";

/** `own`, `other`: who is signed in, "" for nobody. Between two people nothing that one saw may stay: all is loaded anew. */
export function heedOf(own: string, other: string): Heed {
  if (own === other) return "nothing";
  return own === "" || other === "" ? "ask" : "reload";
}

/** `user`: null is nobody, undefined not known yet. `ask`: asks the controller again who is signed in. */
export function useOtherTabs(user: string | null | undefined, ask: () => void): void {
  const heed = useEffectEvent((event: StorageEvent) => {
    if (event.key !== KEY) return;
    const what = heedOf(user ?? "", event.newValue ?? "");
    if (what === "ask") ask();
    if (what === "reload") window.location.reload();
  });
  useEffect(() => {
    const hear = (event: StorageEvent) => heed(event);
    window.addEventListener("storage", hear);
    return () => window.removeEventListener("storage", hear);
  }, []);
  useEffect(() => {
    if (user === undefined) return;
    try {
      localStorage.setItem(KEY, user ?? "");
    } catch {
      // Then each tab finds out by itself, at its next call.
    }
  }, [user]);
}
