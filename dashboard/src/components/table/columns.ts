// What a table's columns are: the short form that pages write, or TanStack Table's own. Used by DataTable.tsx.
import type { ColumnDef, RowData } from "@tanstack/react-table";
import type { ReactNode } from "react";

export interface Column<T> {
  readonly id: string;
  readonly head: string;
  /** What the head says on hover. */
  readonly hint?: string;
  /** What is sorted and searched by, and shown where there is no `cell`. null is unknown, and is last. */
  readonly value: (row: T) => string | number | null;
  readonly cell?: (row: T) => ReactNode;
  /** Pixels; "grow": what is left. */
  readonly width?: number | "grow";
  /** To the right, as figures are read. */
  readonly numeric?: boolean;
  /** Not shown until it is chosen. */
  readonly off?: boolean;
}

declare module "@tanstack/react-table" {
  interface ColumnMeta<TData extends RowData, TValue> {
    readonly hint?: string | undefined;
    readonly width?: number | "grow" | undefined;
    readonly numeric?: boolean | undefined;
    /** Not used: TanStack wants both. */
    readonly of?: readonly [TData, TValue];
  }
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as TanStack has it: each column has its own kind of value
export type AnyColumn<T> = Column<T> | ColumnDef<T, any>;

const COLLATOR = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

export function definitionOf<T>(column: AnyColumn<T>): ColumnDef<T> {
  if (!("head" in column)) return column;
  const { id, head, hint, value, cell, width, numeric } = column;
  return {
    id,
    header: head,
    accessorFn: (row) => value(row) ?? undefined,
    sortUndefined: "last",
    sortingFn: (one, other) => compare(one.getValue(id), other.getValue(id)),
    enableSorting: head !== "",
    enableHiding: head !== "",
    meta: { hint, width, numeric },
    ...(cell === undefined ? {} : { cell: ({ row }) => cell(row.original) }),
  };
}

export function isOff<T>(column: AnyColumn<T>): boolean {
  return "head" in column && column.off === true;
}

export function compare(one: unknown, other: unknown): number {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return COLLATOR.compare(String(one), String(other));
}

/** "-held" → by "held", the greatest first. */
export function orderFrom(text: string | null): readonly { readonly id: string; readonly desc: boolean }[] {
  if (text === null || text === "") return [];
  return text.startsWith("-") ? [{ id: text.slice(1), desc: true }] : [{ id: text, desc: false }];
}

export function orderTo(order: readonly { readonly id: string; readonly desc: boolean }[]): string {
  const [first] = order;
  return first === undefined ? "" : `${first.desc ? "-" : ""}${first.id}`;
}
