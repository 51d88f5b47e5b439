// The head of a column, which sorts by it. Used by DataTable.tsx.
import { flexRender, type Header } from "@tanstack/react-table";
import { Icon } from "../Icon";
import classes from "./DataTable.module.css";

export function Head<T>({ header }: { readonly header: Header<T, unknown> }) {
  const { column } = header;
  const { width, numeric, hint } = column.columnDef.meta ?? {};
  const sorted = column.getIsSorted();
  const words = flexRender(column.columnDef.header, header.getContext());
  const style = width === undefined ? {} : width === "grow" ? { width: "100%", minWidth: 160 } : { width, minWidth: width };
  return (
    <th
      scope="col"
      style={style}
      data-numeric={numeric === true || undefined}
      aria-sort={sorted === false ? undefined : sorted === "asc" ? "ascending" : "descending"}
      title={hint}
    >
      {column.getCanSort() ? (
        <button type="button" className={classes.sort} onClick={column.getToggleSortingHandler()}>
          {words}
          <span className={classes.arrow} data-sorted={sorted || undefined}>
            <Icon name={sorted === "desc" ? "down" : "up"} />
          </span>
        </button>
      ) : words === null || words === "" ? (
        <span className="only-read">What can be done</span>
      ) : (
        words
      )}
    </th>
  );
}
