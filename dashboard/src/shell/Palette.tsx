// The command palette, by Ctrl-K or /: pages, nodes, GPUs, jobs by their id. Used by Shell.tsx.
import { Modal } from "@mantine/core";
import { type KeyboardEvent, useMemo, useState } from "react";
import { Icon } from "../components/Icon";
import { useFleet } from "../data/fleet/useFleet";
import { useMe } from "../data/me";
import { go } from "../routing/location";
import { type Entry, entriesOf, found } from "./palette-entries";
import classes from "./Palette.module.css";
import { ROUTES } from "./routes";

export function Palette({ onClose }: { readonly onClose: () => void }) {
  const me = useMe();
  const { fleet } = useFleet();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const nodes = fleet?.nodes;
  const gpus = fleet?.gpus;
  const uuids = gpus?.uuid;
  const all = useMemo(() => {
    const routes = ROUTES.filter(({ path, needs }) => !path.includes(":") && (needs === undefined || me.can(needs)));
    return entriesOf(routes, nodes ?? [], gpus);
    // Of the GPUs, only which there are matters.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [nodes, uuids, me]);
  const shown = found(all, text);
  const current = Math.min(at, Math.max(0, shown.length - 1));

  const open = (entry: Entry | undefined) => {
    if (entry === undefined) return;
    onClose();
    go(entry.to);
  };
  const press = (event: KeyboardEvent) => {
    const to = { ArrowDown: current + 1, ArrowUp: current - 1 }[event.key];
    if (event.key === "Enter") open(shown[current]);
    else if (to === undefined) return;
    else setAt(Math.min(shown.length - 1, Math.max(0, to)));
    event.preventDefault();
  };
  return (
    <Modal opened onClose={onClose} withCloseButton={false} padding={0} size={560} yOffset="12vh" aria-label="Search and commands">
      <div className={classes.field}>
        <Icon name="search" />
        <input
          data-autofocus
          value={text}
          placeholder="A page, a node, a GPU, the id of a job"
          role="combobox"
          aria-expanded="true"
          aria-controls="palette"
          aria-activedescendant={`palette-${current}`}
          aria-label="Search"
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => {
            setText(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={press}
        />
      </div>
      <ul id="palette" role="listbox" className={classes.list}>
        {shown.map((entry, nth) => (
          <li
            key={entry.to}
            id={`palette-${nth}`}
            role="option"
            aria-selected={nth === current}
            onPointerMove={() => setAt(nth)}
            onClick={() => open(entry)}
          >
            <span>{entry.title}</span>
            <small>{entry.kind}</small>
          </li>
        ))}
        {shown.length === 0 && <li className={classes.none}>Nothing is called that</li>}
      </ul>
    </Modal>
  );
}
