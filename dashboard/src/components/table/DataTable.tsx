// The table of everything: sorted by its heads, its columns chosen, walked through by keys, drawn in part where it is long.
// Its order is in the address. Used by every page with a list.
import {
  flexRender,
  getCoreRowModel,
  getFilteredRowModel,
  getSortedRowModel,
  type Row,
  type SortingState,
  useReactTable,
} from "@tanstack/react-table";
import { type KeyboardEvent, type ReactNode, useMemo, useRef, useState } from "react";
import { grouped } from "../../data/format/quantity";
import { useUrlState } from "../../routing/useUrlState";
import { EmptyState } from "../EmptyState";
import { Skeleton } from "../Skeleton";
import { Unknown } from "../Unknown";
import { type AnyColumn, definitionOf, orderFrom, orderTo } from "./columns";
import { ColumnChoice } from "./ColumnChoice";
import classes from "./DataTable.module.css";
import { Head } from "./Head";
import { MANY, ROW, sliceOf } from "./slice";
import { useChosenColumns } from "./useChosenColumns";
import { useSides } from "./useSides";

export type { Column } from "./columns";

interface Props<T> {
  /** What the rows are, in a word: "jobs". */
  readonly what: string;
  /** Where a page has two tables: what tells their orders and columns apart. */
  readonly name?: string;
  /** Made once, or memoised. */
  readonly columns: readonly AnyColumn<T>[];
  /** undefined: not there yet. */
  readonly rows: readonly T[] | undefined;
  readonly rowKey: (row: T) => string;
  /** "name", "-time"; null: as the rows come. */
  readonly order?: string | null;
  /** Enter or a click on a row. */
  readonly onOpen?: ((row: T) => void) | undefined;
  /** Above the table, to the left. */
  readonly filters?: ReactNode;
  /** In place of rows where there are none; null: nothing. */
  readonly empty?: ReactNode;
  /** What is shown is old, or of another question: greyed. */
  readonly stale?: boolean;
}

export function DataTable<T>(props: Props<T>) {
  const { what, name, columns, rows, rowKey, order = null, onOpen, filters, empty, stale = false } = props;
  const [written, write] = useUrlState(name === undefined ? "order" : `${name}-order`, order ?? "");
  const [hidden, setHidden] = useChosenColumns(name ?? what, columns);
  const [view, setView] = useState({ top: 0, height: 640 });
  const [at, setAt] = useState(0);
  const body = useRef<HTMLTableSectionElement>(null);
  const box = useSides();

  const definitions = useMemo(() => columns.map(definitionOf), [columns]);
  const data = useMemo(() => [...(rows ?? [])], [rows]);
  const sorting = useMemo<SortingState>(() => [...orderFrom(written)], [written]);
  // eslint-disable-next-line react-hooks/incompatible-library -- nothing of it is handed on memoised
  const table = useReactTable<T>({
    data,
    columns: definitions,
    state: { sorting, columnVisibility: hidden },
    getRowId: (row) => rowKey(row),
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
    getFilteredRowModel: getFilteredRowModel(),
    onSortingChange: (change) => write(orderTo(typeof change === "function" ? change(sorting) : change)),
    onColumnVisibilityChange: (change) => setHidden(typeof change === "function" ? change(hidden) : change),
    defaultColumn: { sortDescFirst: false },
    sortDescFirst: false,
    enableSortingRemoval: false,
    enableMultiSort: false,
  });
  const shown = table.getRowModel().rows;
  const { from, to } = sliceOf(shown.length, view.top, view.height);
  const current = Math.min(at, Math.max(0, shown.length - 1));

  const press = (event: KeyboardEvent<HTMLElement>) => {
    const row = shown[current];
    const inRow = event.target instanceof HTMLTableRowElement;
    if (event.key === "Enter" && inRow && row !== undefined) onOpen?.(row.original);
    const last = shown.length - 1;
    const keys = { ArrowDown: current + 1, ArrowUp: current - 1, PageDown: current + 10, PageUp: current - 10, Home: 0, End: last };
    const asked = (keys as Readonly<Record<string, number>>)[event.key];
    if (!inRow || asked === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = Math.min(last, Math.max(0, asked));
    setAt(next);
    if (shown.length > MANY && box.current !== null && (next < from + 2 || next > to - 3)) box.current.scrollTop = next * ROW;
    requestAnimationFrame(() => body.current?.querySelector<HTMLElement>(`[data-row="${next}"]`)?.focus());
  };

  return (
    <div className={classes.whole} data-stale={stale || undefined}>
      <div className={classes.bar}>
        <div className={classes.filters}>{filters}</div>
        <span className={classes.count} role="status">
          {rows === undefined ? "\u00a0" : counted(shown.length, what)}
        </span>
        <ColumnChoice table={table} />
      </div>
      <div
        ref={box}
        className={classes.box}
        data-long={shown.length > MANY || undefined}
        onScroll={
          shown.length > MANY
            ? ({ currentTarget: box }) => setView({ top: box.scrollTop, height: box.clientHeight })
            : undefined
        }
      >
        <table className={classes.table} aria-label={what} aria-rowcount={shown.length + 1}>
          <thead>
            {table.getHeaderGroups().map((group) => (
              <tr key={group.id}>
                {group.headers.map((header) => (
                  <Head key={header.id} header={header} />
                ))}
              </tr>
            ))}
          </thead>
          <tbody ref={body} onKeyDown={press}>
            {from > 0 && <Gap rows={from} />}
            {shown.slice(from, to).map((row, nth) => (
              <Line
                key={row.id}
                row={row}
                nth={from + nth}
                focusable={from + nth === current}
                onOpen={onOpen}
                onFocus={setAt}
              />
            ))}
            {to < shown.length && <Gap rows={shown.length - to} />}
          </tbody>
        </table>
        {rows === undefined && <Skeleton rows={8} />}
      </div>
      {rows !== undefined &&
        shown.length === 0 &&
        (empty === undefined ? <EmptyState title={`There are no ${what}`} /> : empty)}
    </div>
  );
}

interface LineProps<T> {
  readonly row: Row<T>;
  readonly nth: number;
  readonly focusable: boolean;
  readonly onOpen: ((row: T) => void) | undefined;
  readonly onFocus: (nth: number) => void;
}

function Line<T>({ row, nth, focusable, onOpen, onFocus }: LineProps<T>) {
  return (
    <tr
      data-row={nth}
      data-opens={onOpen !== undefined || undefined}
      aria-rowindex={nth + 2}
      tabIndex={focusable ? 0 : -1}
      onFocus={() => onFocus(nth)}
      onClick={(event) => {
        // What is in the row and does something of its own does that alone; so does selecting text.
        if (event.target instanceof Element && event.target.closest("a, button, input, label, [role=menu]") !== null) return;
        if (window.getSelection()?.type === "Range") return;
        onOpen?.(row.original);
      }}
    >
      {row.getVisibleCells().map((cell) => (
        <td key={cell.id} data-numeric={cell.column.columnDef.meta?.numeric === true || undefined}>
          {cell.column.accessorFn !== undefined && cell.column.columnDef.cell === undefined && cell.getValue() === undefined ? (
            <Unknown />
          ) : (
            flexRender(cell.column.columnDef.cell, cell.getContext())
          )}
        </td>
      ))}
    </tr>
  );
}

/** "1 node", "1 024 nodes". */
function counted(count: number, what: string): string {
  return `${grouped(count)} ${count === 1 ? what.replace(/s$/, "") : what}`;
}

function Gap({ rows }: { readonly rows: number }) {
  return (
    <tr aria-hidden="true" className={classes.gap}>
      <td style={{ height: rows * ROW }} />
    </tr>
  );
}
