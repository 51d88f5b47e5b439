// The state of a view, in its address: a link shows somebody else the same, and going back undoes. Used by every page.
//
//   const FIELDS = { by: oneOf(["user", "node"], "user"), search: text() };
//   const [view, setView] = useUrlState(FIELDS);          setView({ by: "node" }, { step: true })
//   const [node, setNode] = useUrlState("node", "");      one field, a text
import { useCallback, useMemo } from "react";
import { currentPlace, go, usePlace } from "./location";
import { type Field, searchWith, text, type Values } from "./url-fields";

export interface Step {
  /** Going back undoes it. */
  readonly step?: boolean;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- fields of whatever kinds
type AnyFields = Readonly<Record<string, Field<any>>>;

/** `fields` is made once, outside of the component. */
export function useUrlState<F extends AnyFields>(
  fields: F,
): readonly [Values<F>, (changes: Partial<Values<F>>, how?: Step) => void];
export function useUrlState(name: string, usual: string): readonly [string, (value: string, how?: Step) => void];
export function useUrlState(
  what: AnyFields | string,
  usual = "",
): readonly [unknown, (given: never, how?: Step) => void] {
  const { search } = usePlace();
  const single = typeof what === "string";
  const fields = useMemo<AnyFields>(() => (typeof what === "string" ? { [what]: text(usual) } : what), [what, usual]);
  const values = useMemo(() => {
    const query = new URLSearchParams(search);
    return Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, field.read(query.getAll(name)) as unknown]),
    );
  }, [fields, search]);
  const set = useCallback(
    (given: unknown, { step = false }: Step = {}): void => {
      const changes = typeof what === "string" ? { [what]: given } : (given as Record<string, unknown>);
      const written: Record<string, readonly string[]> = {};
      for (const [name, value] of Object.entries(changes)) {
        const field = fields[name];
        if (field !== undefined) written[name] = value === undefined ? [] : field.write(value);
      }
      const here = currentPlace();
      const next = searchWith(here.search, written);
      if (next !== here.search) go(here.path + next, { replace: !step });
    },
    [fields, what],
  );
  return [single ? values[what] : values, set];
}
