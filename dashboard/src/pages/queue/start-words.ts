// Why no start can be told, in a few words that fit into a column; the whole of it is on hover. Pure. Used by Waiting.

const SHORT: readonly (readonly [start: string, words: string])[] = [
  ["jobs that run, or are ahead, have no time limit", "no time limits ahead"],
  ["what counts against the quota has no time limit", "no time limits in the quota"],
  ["the queue is long", "only the first are worked out"],
  ["a drained node", "its node is drained"],
  ["the node is not heard of", "its node is silent"],
  ["there is no such node", "no such node"],
  ["the nodes there are can never run it", "never: too large"],
  ["the queue was just restored", "held after a restore"],
  ["it is tried again", "tried again soon"],
  ["it starts some time after", "after other jobs"],
  ["what is on the GPUs is not known", "GPUs not known"],
  ["a quarantined GPU", "a GPU is in quarantine"],
  ["nobody knows when", "others use the GPUs"],
];

/** `basis`: as the controller says why `estimated_start` is null. */
export function whyUnknown(basis: string): string {
  const known = SHORT.find(([start]) => basis.startsWith(start));
  if (known !== undefined) return known[1];
  const endless = /^job \S+ (?:\((.+)\) )?has no time limit$/.exec(basis);
  if (endless !== null) return `${endless[1] === undefined ? "a job" : `${endless[1]}'s job`} has no time limit`;
  const far = /^(not within [^;]+)/.exec(basis);
  return far?.[1] ?? basis;
}
