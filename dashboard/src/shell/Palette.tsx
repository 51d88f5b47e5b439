// The command palette, by Ctrl-K or /: what one can do, pages, nodes, GPUs, alerts, rules, people, jobs; what was opened
// last comes first. What somebody may not do is not in it. Used by Shell.tsx.
import { Modal } from "@mantine/core";
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import { Icon } from "../components/Icon";
import { useFleet } from "../data/fleet/useFleet";
import { useMe } from "../data/me";
import { go } from "../routing/location";
import { COMMANDS, type Deed } from "./commands";
import { useFoundThere } from "./palette-answers";
import { entry, type Entry, found, maybeJob, ofCommands, ofGpus, ofNodes, ofPages } from "./palette-entries";
import classes from "./Palette.module.css";
import { keepRecent, readRecent } from "./recent";
import { ROUTES } from "./routes";

interface Props {
  readonly onClose: () => void;
  readonly onDeed: (deed: Deed) => void;
  readonly onDrain: (node: string) => void;
}

export function Palette({ onClose, onDeed, onDrain }: Props) {
  const me = useMe();
  const { fleet } = useFleet();
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const there = useFoundThere(text);
  const nodes = fleet?.nodes;
  const gpus = fleet?.gpus;
  const uuids = gpus?.uuid;
  const names = nodes?.map(({ name, state }) => `${name} ${state}`).join("\n");
  const here = useMemo(() => {
    const may = ({ needs }: { readonly needs?: (typeof COMMANDS)[number]["needs"] }) => needs === undefined || me.can(needs);
    return [
      ...readRecent(me.user).map(({ title, note, to }) => entry("Recent", title, note, to)),
      ...ofCommands(COMMANDS.filter(may)),
      ...ofPages(ROUTES.filter((route) => !route.path.includes(":") && may(route))),
      ...ofNodes(nodes ?? [], me.can("operate")),
      ...ofGpus(gpus, nodes ?? []),
    ];
    // Of the fleet, only which machines there are matters: figures change each second.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [names, uuids, me]);
  const known = found([...here, ...there], text);
  const job = known.some(({ group }) => group === "Jobs") ? null : maybeJob(text);
  const sections = job === null ? known : [...known, { group: job.group, entries: [job] }];
  const shown = sections.flatMap(({ entries }) => entries);
  const begins = sections.map((_, section) => sections.slice(0, section).reduce((sum, { entries }) => sum + entries.length, 0));
  const current = Math.min(at, Math.max(0, shown.length - 1));

  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [current, text]);

  const open = (chosen: Entry | undefined) => {
    if (chosen === undefined) return;
    const { act, title, group } = chosen;
    onClose();
    if (act.kind === "deed") onDeed(act.deed);
    else if (act.kind === "drain") onDrain(act.node);
    else {
      if (group !== "Commands") keepRecent(me.user, { title, note: group === "Recent" ? chosen.note : group, to: act.to });
      go(act.to);
    }
  };
  const press = (event: KeyboardEvent) => {
    const last = shown.length - 1;
    const to = { ArrowDown: current === last ? 0 : current + 1, ArrowUp: current === 0 ? last : current - 1, PageDown: current + 8, PageUp: current - 8 }[event.key];
    if (event.key === "Enter") open(shown[current]);
    else if (to === undefined) return;
    else setAt(Math.min(last, Math.max(0, to)));
    event.preventDefault();
  };
  return (
    <Modal opened onClose={onClose} withCloseButton={false} padding={0} size={600} yOffset="10vh" attributes={{ content: { "aria-label": "Search and commands" } }}>
      <div className={classes.field}>
        <Icon name="search" />
        <input
          data-autofocus
          value={text}
          placeholder="Find a page, node, GPU, job, alert, or a command"
          role="combobox"
          aria-expanded="true"
          aria-controls={id}
          aria-activedescendant={shown.length === 0 ? undefined : `${id}-${current}`}
          aria-label="Search"
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => {
            setText(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={press}
        />
        <kbd>Esc</kbd>
      </div>
      <div id={id} ref={list} role="listbox" aria-label="What was found" className={classes.list}>
        {sections.map(({ group, entries }, section) => (
          <div key={group} role="group" aria-label={group}>
            <p className={classes.group} aria-hidden="true">
              {group}
            </p>
            {entries.map((one, nth) => {
              const own = (begins[section] ?? 0) + nth;
              return (
                <div
                  key={`${one.title} ${one.note} ${own}`}
                  id={`${id}-${own}`}
                  role="option"
                  aria-selected={own === current}
                  className={classes.option}
                  onPointerMove={() => setAt(own)}
                  onClick={() => open(one)}
                >
                  <span>{one.title}</span>
                  <small>{one.note}</small>
                </div>
              );
            })}
          </div>
        ))}
        {shown.length === 0 && <p className={classes.none}>Nothing is called that. Try part of a name, or the beginning of an id.</p>}
      </div>
      <p className={classes.keys} aria-hidden="true">
        <kbd>↑</kbd> <kbd>↓</kbd> choose <kbd>Enter</kbd> open
      </p>
    </Modal>
  );
}
