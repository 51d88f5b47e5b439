// Addresses of calls: fills `{name}` in paths, writes queries. Used by data/ask.ts.

export type Query = Readonly<Record<string, unknown>>;

/** "/nodes/{name}" with {name: "a b"} → "/nodes/a%20b". Nothing undefined or null gets into the query. */
export function address(path: string, names: Readonly<Record<string, unknown>> = {}, query: Query = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = names[name];
    if (typeof value !== "string" && typeof value !== "number") throw new Error(`${path} needs ${name}`);
    return encodeURIComponent(value);
  });
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (typeof one === "string" || typeof one === "number" || typeof one === "boolean") asked.append(name, String(one));
    }
  }
  const tail = asked.toString();
  return tail === "" ? filled : `${filled}?${tail}`;
}
