// Fields of a view as they stand in the query of its address. Used with routing/useUrlState.ts. Pure.
// What somebody mistyped in an address is what the field is when nothing is said.

export interface Field<T> {
  readonly read: (found: readonly string[]) => T;
  /** [] leaves the field out. */
  readonly write: (value: T) => readonly string[];
}

export type Fields = Readonly<Record<string, Field<never>>>;
export type Values<F> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

export function text(usual = ""): Field<string> {
  return { read: ([found = usual]) => found, write: (value) => (value === usual ? [] : [value]) };
}

export function list(): Field<readonly string[]> {
  return { read: (found) => found.filter((one) => one !== ""), write: (values) => values };
}

export function oneOf<const T extends string>(values: readonly T[], usual: NoInfer<T>): Field<T> {
  return {
    read: ([found]) => values.find((one) => one === found) ?? usual,
    write: (value) => (value === usual ? [] : [value]),
  };
}

export function flag(): Field<boolean> {
  return { read: ([found]) => found === "1", write: (value) => (value ? ["1"] : []) };
}

export function number(usual: number): Field<number> {
  return {
    read: ([found]) => {
      const value = found === undefined || found === "" ? Number.NaN : Number(found);
      return Number.isFinite(value) ? value : usual;
    },
    write: (value) => (value === usual ? [] : [String(value)]),
  };
}

/** "?a=1&b=2", "" where nothing is left. Fields that are not in `changes` stay as they are. */
export function searchWith(search: string, changes: Readonly<Record<string, readonly string[]>>): string {
  const query = new URLSearchParams(search);
  for (const [name, values] of Object.entries(changes)) {
    query.delete(name);
    for (const value of values) query.append(name, value);
  }
  const left = query.toString();
  return left === "" ? "" : `?${left}`;
}
