// Which jobs are chosen in a list. Pure. Used by JobsPage and JobsTable.

export function withOne(chosen: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(chosen);
  if (!next.delete(id)) next.add(id);
  return next;
}

/** With all of `ids`, or without any of them. */
export function withAll(chosen: ReadonlySet<string>, ids: readonly string[], all: boolean): ReadonlySet<string> {
  const next = new Set(chosen);
  for (const id of ids) {
    if (all) next.add(id);
    else next.delete(id);
  }
  return next;
}

/** Those that are chosen and still may be: what has ended meanwhile, or is not in sight, is not acted upon. */
export function stillChosen<T extends { readonly id: string }>(
  chosen: ReadonlySet<string>,
  jobs: readonly T[],
  may: (job: T) => boolean,
): T[] {
  return jobs.filter((job) => chosen.has(job.id) && may(job));
}
