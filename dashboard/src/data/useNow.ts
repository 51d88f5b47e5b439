// The time, as often as it matters. Used by whatever says how long ago something was.
import { useEffect, useState } from "react";

/** Epoch milliseconds, anew each `every` milliseconds. */
export function useNow(every = 1000): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
