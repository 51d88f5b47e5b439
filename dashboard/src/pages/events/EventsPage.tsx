// What happened, newest first, and each as it happens. At /events.
import { Button, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { EmptyState } from "../../components/EmptyState";
import { Icon } from "../../components/Icon";
import { ManyChoice } from "../../components/menu/ManyChoice";
import { Page, Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { StatusMark } from "../../components/StatusBadge";
import { type Column, DataTable } from "../../components/table/DataTable";
import { Time } from "../../components/Time";
import { Link } from "../../routing/Link";
import { list, oneOf, text } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import { EventDetails } from "./EventDetails";
import css from "./EventsPage.module.css";
import { common, commonPlace, folded, type Line, said, subjects } from "./fold";
import { lookOf, topicsOf } from "./kinds";
import { useEvents } from "./useEvents";
import { useHeld } from "./useHeld";

const FIELDS = { type: list(), subject: text(), event: text(), follow: oneOf(["on", "off"] as const, "on") };

const columnsOf = (onFold: (key: string) => void): readonly Column<Line>[] => [
  {
    id: "time",
    head: "Time",
    value: ({ event }) => event.id,
    cell: ({ event }) => <Time at={Date.parse(event.time)} />,
    width: 100,
  },
  {
    id: "type",
    head: "What",
    value: ({ event }) => lookOf(event.type).word,
    cell: (line) => <What line={line} onFold={onFold} />,
    width: 230,
  },
  { id: "subject", head: "Subject", value: ({ of }) => subjects(of), cell: (line) => <Subject line={line} />, width: 150 },
  {
    id: "owner",
    head: "Owner",
    value: ({ of }) => common(of.map(({ owner }) => owner ?? ""), "owners") || null,
    cell: ({ of }) => common(of.map(({ owner }) => owner ?? ""), "owners"),
    width: 110,
  },
  { id: "said", head: "Details", value: ({ of }) => said(of), cell: ({ of }) => said(of), width: "grow" },
  {
    id: "source",
    head: "Source",
    value: ({ of }) => common(of.map(({ source }) => source), "sources") || null,
    width: 160,
    off: true,
  },
];

export default function EventsPage() {
  const [view, setView] = useUrlState(FIELDS);
  const found = useEvents(view.type, view.subject.trim());
  const open = view.event === "" ? null : Number(view.event);
  const following = view.follow === "on" && open === null;
  const { shown, waiting } = useHeld(found.events, !following, JSON.stringify([view.type, view.subject]));
  const newestFirst = useMemo(() => (shown === undefined ? undefined : [...shown].reverse()), [shown]);
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
  const columns = useMemo(() => columnsOf((key) => setUnfolded((keys) => withOrWithout(keys, key))), []);
  const rows = useMemo(
    () => (newestFirst === undefined ? undefined : folded(newestFirst, unfolded)),
    [newestFirst, unfolded],
  );
  const topics = useMemo(() => topicsOf([...view.type, ...(shown ?? []).map(({ type }) => type)]), [view.type, shown]);
  const filtered = view.type.length > 0 || view.subject.trim() !== "";
  const folds = rows?.filter(({ of }) => of.length > 1).length ?? 0;
  const broken = shown !== undefined && !found.live;

  return (
    <Page
      title="Events"
      beside={<Following live={found.live} held={!following} waiting={waiting} />}
      fetchedAt={broken ? found.heardAt : undefined}
      stale={broken && found.error !== null}
    >
      {found.error !== null && <Refusal error={found.error} />}
      <Panel flush>
        <DataTable
          name="events"
          what={folds === 0 ? "events" : "lines"}
          columns={columns}
          rows={rows}
          rowKey={({ key }) => key}
          order="-time"
          onOpen={({ event }) => setView({ event: String(event.id) }, { step: true })}
          filters={
            <div className={css.filters}>
              <ManyChoice
                label="Types of events"
                all="All types"
                groups={topics}
                value={view.type}
                onChange={(type) => setView({ type })}
              />
              <TextInput
                size="xs"
                className={css.subject}
                aria-label="Subject"
                placeholder="Subject: job, node, user…"
                leftSection={<Icon name="search" />}
                value={view.subject}
                onChange={(event) => setView({ subject: event.currentTarget.value })}
              />
              <Button
                size="xs"
                variant="default"
                className={css.follow}
                aria-pressed={view.follow === "on"}
                onClick={() => setView({ follow: view.follow === "on" ? "off" : "on" })}
              >
                {view.follow === "on" ? "Hold" : waiting === 0 ? "Go on" : `Go on · ${waiting} new`}
              </Button>
            </div>
          }
          empty={null}
        />
        {rows?.length === 0 && (
          <EmptyState
            icon="list"
            title={filtered ? "No such event was found" : "Nothing has happened yet"}
            action={
              filtered && (
                <Button size="xs" variant="default" onClick={() => setView({ type: [], subject: "" })}>
                  Show all events
                </Button>
              )
            }
          >
            {filtered
              ? "A subject is a whole id or name: of a job, a node, a user. What fits will appear here when it happens."
              : "Jobs, nodes, alerts and people leave their traces here, as they happen."}
          </EmptyState>
        )}
        {rows !== undefined && rows.length > 0 && (
          <footer className={css.foot}>
            {found.whole ? (
              "There is nothing older."
            ) : (
              <Button size="xs" variant="default" loading={found.lookingBack} onClick={found.older}>
                Older ones
              </Button>
            )}
          </footer>
        )}
      </Panel>
      <EventDetails id={open} among={newestFirst} onMove={(id) => setView({ event: id === null ? "" : String(id) })} />
    </Page>
  );
}

function Following({ live, held, waiting }: { live: boolean; held: boolean; waiting: number }) {
  const [tone, shape, word] = !live
    ? (["quiet", "ring", "Catching up"] as const)
    : held
      ? (["warn", "bar", waiting === 0 ? "Held" : `Held, ${waiting} new`] as const)
      : (["ok", "dot", "Live"] as const);
  return (
    <span className={css.following} role="status">
      <StatusMark status={{ tone, shape }} />
      {word}
    </span>
  );
}

function What({ line: { key, event, of, open }, onFold }: { line: Line; onFold: (key: string) => void }) {
  const look = lookOf(event.type);
  return (
    <span className={css.what} title={event.type}>
      <StatusMark status={look} />
      {look.word}
      {of.length > 1 && (
        <button
          type="button"
          className={css.many}
          aria-expanded={open}
          aria-label={`× ${of.length} in a row: ${open ? "fold them" : "show each"}`}
          onClick={() => onFold(key)}
        >
          × {of.length}
          <Icon name={open ? "up" : "down"} />
        </button>
      )}
    </span>
  );
}

function Subject({ line: { event, of } }: { line: Line }) {
  const place = commonPlace(of);
  if (place === null) return <span title={of.length === 1 ? event.subject : undefined}>{subjects(of)}</span>;
  return <Link to={place.to}>{place.name}</Link>;
}

function withOrWithout(keys: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(keys);
  if (!next.delete(key)) next.add(key);
  return next;
}
