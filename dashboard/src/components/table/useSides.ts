// Whether a table is wider than its place, and whether there is more of it to the right: the style sheet scrolls it then,
// and shows that there is more. Written on the element itself, since nothing else is drawn anew. Used by DataTable.tsx.
import { type RefObject, useEffect, useRef } from "react";

export function useSides(): RefObject<HTMLDivElement | null> {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = ref.current;
    const table = box?.querySelector("table");
    if (box == null || table == null) return;
    const look = () => {
      const wide = table.offsetWidth > box.clientWidth + 1;
      box.toggleAttribute("data-wide", wide);
      box.toggleAttribute("data-more", wide && box.scrollLeft + box.clientWidth < box.scrollWidth - 2);
    };
    const seen = new ResizeObserver(look);
    seen.observe(box);
    seen.observe(table);
    box.addEventListener("scroll", look, { passive: true });
    return () => {
      seen.disconnect();
      box.removeEventListener("scroll", look);
    };
  }, []);
  return ref;
}
