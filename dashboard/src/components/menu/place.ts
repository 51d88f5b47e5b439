// Where something stands that opens beneath a button. Pure; used by usePopup.ts.

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Pixels kept free: to the button, and to the edges of the window. */
const GAP = 4;
const EDGE = 8;

/** Beneath it, ends aligned; above it where there is no room; always within the window. */
export function placeOf(button: { readonly right: number; readonly top: number; readonly bottom: number }, box: Size, view: Size): { readonly left: number; readonly top: number } {
  const left = Math.max(EDGE, Math.min(button.right - box.width, view.width - box.width - EDGE));
  const below = button.bottom + GAP;
  const above = button.top - GAP - box.height;
  const top = below + box.height <= view.height - EDGE || above < EDGE ? below : above;
  return { left, top };
}
