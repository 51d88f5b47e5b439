// Which columns of a table somebody wants to see: kept in this browser. Used by DataTable.tsx.
import { useState } from "react";
import { type AnyColumn, isOff } from "./columns";

type Shown = Readonly<Record<string, boolean>>;

export function useChosenColumns<T>(name: string, columns: readonly AnyColumn<T>[]): [Shown, (shown: Shown) => void] {
  const key = `sentinel.columns.${name}`;
  const [chosen, setChosen] = useState<Shown>(() => read(key));
  const usual = Object.fromEntries(columns.filter(isOff).map((column) => [column.id ?? "", false]));
  return [
    { ...usual, ...chosen },
    (shown) => {
      setChosen(shown);
      try {
        localStorage.setItem(key, JSON.stringify(shown));
      } catch {
        // Where nothing may be kept, the choice lasts as long as the page.
      }
    },
  ];
}

function read(key: string): Shown {
  try {
    const found = JSON.parse(localStorage.getItem(key) ?? "{}") as unknown;
    if (typeof found !== "object" || found === null) return {};
    return Object.fromEntries(Object.entries(found).filter((one): one is [string, boolean] => typeof one[1] === "boolean"));
  } catch {
    return {};
  }
}
