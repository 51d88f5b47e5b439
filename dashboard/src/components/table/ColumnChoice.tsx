// Which columns of a table are shown. Used by DataTable.tsx.
import { ActionIcon } from "@mantine/core";
import type { Table } from "@tanstack/react-table";
import { useId } from "react";
import { Icon } from "../Icon";
import menu from "../menu/Menu.module.css";
import { usePopup } from "../menu/usePopup";

export function ColumnChoice<T>({ table }: { readonly table: Table<T> }) {
  const { open, target, panel, toggle, close } = usePopup();
  const id = useId();
  const columns = table.getAllLeafColumns().filter((column) => column.getCanHide());
  const shown = columns.filter((column) => column.getIsVisible());
  return (
    <>
      <ActionIcon ref={target} size={28} aria-label="Choose columns" title="Choose columns" aria-expanded={open} aria-controls={open ? id : undefined} onClick={toggle}>
        <Icon name="columns" />
      </ActionIcon>
      {open && (
        <div
          id={id}
          ref={panel}
          popover="manual"
          role="group"
          aria-label="Columns"
          className={`${menu.panel ?? ""} ${menu.choices ?? ""}`}
          onBlur={({ currentTarget, relatedTarget }) => {
            if (relatedTarget instanceof Node && !currentTarget.contains(relatedTarget)) close();
          }}
        >
          {columns.map((column) => (
            <label key={column.id} className={menu.choice}>
              <input
                type="checkbox"
                checked={column.getIsVisible()}
                // A table without columns has no way back.
                disabled={shown.length === 1 && column.getIsVisible()}
                onChange={column.getToggleVisibilityHandler()}
              />
              {typeof column.columnDef.header === "string" ? column.columnDef.header : column.id}
            </label>
          ))}
        </div>
      )}
    </>
  );
}
