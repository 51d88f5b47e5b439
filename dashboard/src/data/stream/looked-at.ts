// Whether somebody looks at this tab. A browser opens six connections to one address, for all its tabs together: a stream that
// nobody looks at would take one from those who do. Used by whatever follows a stream; what was missed is caught up with.

/** Milliseconds that a tab may be hidden: who only glances at another one loses nothing. */
export const GLANCE = 15_000;

const hidden = (): boolean => typeof document !== "undefined" && document.hidden;

/** `signal`: aborted once nobody has looked for GLANCE. `over` has to be called in the end. */
export function whileLookedAt(): { readonly signal: AbortSignal; readonly over: () => void } {
  const left = new AbortController();
  if (typeof document === "undefined") return { signal: left.signal, over: () => undefined };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const change = () => {
    clearTimeout(timer);
    if (hidden()) timer = setTimeout(() => left.abort(), GLANCE);
  };
  change();
  document.addEventListener("visibilitychange", change);
  return {
    signal: left.signal,
    over: () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", change);
    },
  };
}

/** At once where somebody looks; else when they do, or `signal` is aborted. */
export async function untilLookedAt(signal: AbortSignal): Promise<void> {
  while (hidden() && !signal.aborted) {
    await new Promise<void>((resolve) => {
      const done = () => {
        document.removeEventListener("visibilitychange", done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      document.addEventListener("visibilitychange", done);
      signal.addEventListener("abort", done);
    });
  }
}
