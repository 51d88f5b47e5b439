// Which page an address is of. Pure; used by shell/Pages.tsx.

export interface Matched<R> {
  readonly route: R;
  /** The parts of the address that stand for a name, by that name. */
  readonly parts: Readonly<Record<string, string>>;
}

/** The first of `routes` whose `path` fits: "/nodes/:name" fits "/nodes/gpu%201". */
export function match<R extends { readonly path: string }>(routes: readonly R[], path: string): Matched<R> | null {
  const asked = path.replace(/\/+$/, "").split("/");
  for (const route of routes) {
    const parts = partsOf(route.path.replace(/\/+$/, "").split("/"), asked);
    if (parts !== null) return { route, parts };
  }
  return null;
}

function partsOf(wanted: readonly string[], asked: readonly string[]): Record<string, string> | null {
  if (wanted.length !== asked.length) return null;
  const parts: Record<string, string> = {};
  for (const [at, want] of wanted.entries()) {
    const found = asked[at] ?? "";
    if (want.startsWith(":")) {
      const name = decoded(found);
      if (name === null || name === "") return null;
      parts[want.slice(1)] = name;
    } else if (want !== found) return null;
  }
  return parts;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
