// The filters of the list of jobs, as they stand in its address. Pure. Used by JobsPage and ArrayView.
import { STATES, type JobState } from "../../data/job";

/** Those that are states: an address may have been typed. */
export function statesIn(found: readonly string[]): JobState[] {
  return STATES.filter((state) => found.some((one) => one.toUpperCase() === state));
}

/** With it, or without it where it was. */
export function toggled(states: readonly JobState[], state: JobState): JobState[] {
  return STATES.filter((one) => (one === state) !== states.includes(one));
}

/** Words that many states go by. */
export const SETS: readonly { readonly label: string; readonly states: readonly JobState[] }[] = [
  { label: "All", states: [] },
  { label: "Live", states: ["QUEUED", "ALLOCATED", "STARTING", "RUNNING", "LOST"] },
  { label: "Ended", states: ["SUCCEEDED", "FAILED", "CANCELED"] },
];

export function sameStates(a: readonly JobState[], b: readonly JobState[]): boolean {
  return a.length === b.length && a.every((state) => b.includes(state));
}
