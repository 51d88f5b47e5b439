// Which columns of a table are shown. Used by DataTable.tsx.
import { ActionIcon, Checkbox, Popover } from "@mantine/core";
import type { Table } from "@tanstack/react-table";
import { Icon } from "../Icon";
import classes from "./DataTable.module.css";

export function ColumnChoice<T>({ table }: { readonly table: Table<T> }) {
  const columns = table.getAllLeafColumns().filter((column) => column.getCanHide());
  return (
    <Popover position="bottom-end" transitionProps={{ duration: 0 }} trapFocus returnFocus>
      <Popover.Target>
        <ActionIcon variant="subtle" color="gray" size={28} aria-label="Choose columns" title="Choose columns">
          <Icon name="columns" />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown className={classes.choice ?? ""}>
        {columns.map((column) => (
          <Checkbox
            key={column.id}
            size="xs"
            label={typeof column.columnDef.header === "string" ? column.columnDef.header : column.id}
            checked={column.getIsVisible()}
            onChange={column.getToggleVisibilityHandler()}
          />
        ))}
      </Popover.Dropdown>
    </Popover>
  );
}
