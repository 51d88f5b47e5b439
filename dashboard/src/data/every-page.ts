// All pages of a list, up to a bound. Used by the pages of nodes, GPUs, workloads and of a workstation.

export interface Pages<T> {
  readonly items: readonly T[];
  /** Whether there were more than are shown. */
  readonly more: boolean;
}

interface OnePage<T> {
  readonly items: readonly T[];
  readonly next?: string | null;
}

/** Asks with `after` until there is no more. `most` pages, so that no list keeps a browser busy for ever. */
export async function everyPage<T>(
  page: (after: string | null) => Promise<OnePage<T>>,
  most = 20,
): Promise<Pages<T>> {
  const items: T[] = [];
  let after: string | null = null;
  for (let nth = 0; nth < most; nth += 1) {
    const found = await page(after);
    items.push(...found.items);
    if (found.next === null || found.next === undefined) return { items, more: false };
    after = found.next;
  }
  return { items, more: true };
}
