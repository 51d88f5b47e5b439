// Whether a click on a link takes the reader to another view of the dashboard in this tab. Pure. Used by Unsaved.tsx.

interface Press {
  readonly button: number;
  readonly metaKey: boolean;
  readonly ctrlKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
  readonly defaultPrevented: boolean;
}

/** Where to, as a path with its query; null: it stays here, or opens elsewhere. */
export function leadsAway(
  link: Pick<HTMLAnchorElement, "href" | "target">,
  press: Press,
  here: Pick<Location, "href" | "origin">,
): string | null {
  if (press.defaultPrevented || press.button !== 0) return null;
  if (press.metaKey || press.ctrlKey || press.shiftKey || press.altKey) return null;
  if (link.target !== "" && link.target !== "_self") return null;
  const [from, to] = [new URL(here.href), new URL(link.href, here.href)];
  if (to.origin !== here.origin || `${to.pathname}${to.search}` === `${from.pathname}${from.search}`) return null;
  return `${to.pathname}${to.search}${to.hash}`;
}
