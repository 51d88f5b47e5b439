// When a job that waits is thought to begin; where that cannot be told, why, and what would help. Pure; drawn by
// NextList.tsx.
import type { JobWhy } from "../../data/placed-job";

export interface Outlook {
  /** RFC 3339; null: it cannot be told. */
  readonly starts: string | null;
  /** A sentence: where that comes from, or why it cannot be told. "": nobody has said yet. */
  readonly basis: string;
  /** A sentence: what would help; null: nothing is known to. */
  readonly help: string | null;
}

const LIMITS =
  "Nobody has said how long the jobs ahead may run. Those who start theirs with a time limit (sentinel run --time-limit 2h …) let everybody see when it is their turn.";

/** By what is in the way, as the queue calls it. */
const HELP: Readonly<Record<string, string>> = {
  unmanaged: "Ask whoever uses the GPU beside the queue when they are done.",
  quarantined: "An admin has to look at the GPU that was taken out.",
  leased: "Whoever was lent the GPU on the machine itself has to give it back.",
  drained: "Whoever closed the machine for new jobs has to open it again.",
  silent: "The machine has to be heard of again: is it on, and does it reach the network?",
  "no-node": "The machine that it asks for does not exist: submit it again without that wish.",
  "too-large": "No machine here can ever run it: submit it again with fewer GPUs, or for another model.",
  hold: "An operator has to let the queue go on.",
};

/** `why` undefined: it was not asked yet, or not at all. */
export function outlookOf(why: JobWhy | undefined): Outlook {
  if (why === undefined) return { starts: null, basis: "", help: null };
  const { estimated_start: starts, blocking } = why;
  const basis = sentence(why.basis);
  if (starts !== null) return { starts, basis, help: null };
  const help = why.basis.includes("no time limit") ? LIMITS : (HELP[blocking] ?? null);
  return { starts, basis, help };
}

/** The different ones, each once, in their order: ten jobs wait for the same often. */
export function helpsOf(outlooks: readonly Outlook[]): readonly string[] {
  return [...new Set(outlooks.flatMap(({ help }) => (help === null ? [] : [help])))];
}

/** "jobs that run have no time limit" → "Jobs that run have no time limit." */
export function sentence(text: string): string {
  return ended(text.charAt(0).toUpperCase() + text.slice(1));
}

/** With its full stop, and else as it is: what begins with the name of a node or a person stays so. */
export function ended(text: string): string {
  return text === "" || /[.!?]$/.test(text) ? text : `${text}.`;
}
