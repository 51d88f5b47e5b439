// How wide an element is, known before it is drawn for the first time: nothing has to be drawn twice. Used by HeatMap.tsx.
import { type RefCallback, useCallback, useState } from "react";

/** In pixels; 0 before there is an element. */
export function useWidth(): readonly [RefCallback<HTMLElement>, number] {
  const [width, setWidth] = useState(0);
  const ref = useCallback<RefCallback<HTMLElement>>((element) => {
    if (element === null) return;
    setWidth(element.clientWidth);
    const seen = new ResizeObserver(() => setWidth(element.clientWidth));
    seen.observe(element);
    return () => seen.disconnect();
  }, []);
  return [ref, width];
}
