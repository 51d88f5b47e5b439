// Who had a GPU, and when: out of the history's `gpu_held`, a series for each holder. Pure; the page of a GPU
// draws them as marks on its charts, and lists them.

export interface HeldSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [number, number | null])[];
}

export interface Holding {
  /** A queue user, else a Unix user; null: unknown. */
  readonly user: string | null;
  /** "queue", "docker", … */
  readonly origin: string | null;
  readonly job: string | null;
  readonly from: number;
  /** The end of the last step in which it was held. */
  readonly to: number;
  /** Whether it is held up to the end of what was asked for. */
  readonly open: boolean;
}

/** Holdings, newest first. Steps that are unknown for one step only do not end a holding; longer ones do. */
export function holdingsOf(series: readonly HeldSeries[], step: number, end: number): readonly Holding[] {
  const found: Holding[] = [];
  for (const one of series) {
    let from: number | null = null;
    let last = 0;
    const close = (open: boolean) => {
      if (from === null) return;
      const { user, origin, job } = one.labels;
      found.push({ user: user ?? null, origin: origin ?? null, job: job ?? null, from, to: last, open });
      from = null;
    };
    for (const [at, value] of one.points) {
      if (value !== null && value > 0) {
        from ??= at;
        last = at + step;
      } else if (from !== null && (value !== null || at >= last + step)) {
        close(false);
      }
    }
    close(last >= end - 2 * step);
  }
  return found.sort((a, b) => b.to - a.to || b.from - a.from);
}
