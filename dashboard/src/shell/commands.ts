// What can be done from the command palette, for those who may. Pure; used by palette-entries.ts.
import type { Action } from "../data/me";

export type Deed = "sign-out" | "dark" | "light" | "auto";

export interface Command {
  readonly title: string;
  /** Other words it is looked for by. */
  readonly words: string;
  readonly needs?: Action;
  readonly to?: string;
  readonly deed?: Deed;
}

export const COMMANDS: readonly Command[] = [
  { title: "Submit a job", words: "new run start", needs: "submit", to: "/jobs/new" },
  { title: "My jobs", words: "own", needs: "submit", to: "/jobs?owner=me" },
  { title: "Failed jobs", words: "wrong error", to: "/jobs?state=FAILED" },
  { title: "Running jobs", words: "now live", to: "/jobs?state=RUNNING" },
  { title: "New silence", words: "quiet mute alert", needs: "operate", to: "/alerts/silences?new=1" },
  { title: "New alert rule", words: "add watch", needs: "operate", to: "/alerts/rules?new=1" },
  { title: "New channel", words: "tell mail webhook alert", needs: "operate", to: "/alerts/channels?new=1" },
  { title: "Join a machine", words: "add node agent", needs: "administer", to: "/nodes?join=1" },
  { title: "Switch to dark", words: "colours theme night", deed: "dark" },
  { title: "Switch to light", words: "colours theme day", deed: "light" },
  { title: "Colours as the system has them", words: "theme auto dark light", deed: "auto" },
  { title: "Sign out", words: "log leave", deed: "sign-out" },
];
