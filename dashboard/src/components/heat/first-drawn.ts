// A moment that can be measured: the map of the fleet was drawn for the first time since the page was opened. Said by
// HeatMap.tsx; `python -m bench dashboard` waits for it, and any browser's developer tools show it.

const NAME = "sentinel:fleet-drawn";
let said = false;

/** `cells`: how many were drawn. Said once the browser is through with the frame that they are in. */
export function sayDrawn(cells: number): void {
  if (said || cells === 0) return;
  said = true;
  requestAnimationFrame(() => setTimeout(() => performance.mark(NAME, { detail: { cells } })));
}
