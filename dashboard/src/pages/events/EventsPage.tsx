// What happened, newest first, and each as it happens. At /events.
import { Button, MultiSelect, TextInput } from "@mantine/core";
import { useMemo } from "react";
import { EmptyState } from "../../components/EmptyState";
import { Icon } from "../../components/Icon";
import { Page, Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { StatusMark } from "../../components/StatusBadge";
import { type Column, DataTable } from "../../components/table/DataTable";
import { Time } from "../../components/Time";
import type { Event } from "../../data/shapes";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { list, oneOf, text } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import { placeOf, sentenceOf, subjectOf } from "./event";
import { EventDetails } from "./EventDetails";
import css from "./EventsPage.module.css";
import { lookOf, topicsOf } from "./kinds";
import { useEvents } from "./useEvents";
import { useHeld } from "./useHeld";

const FIELDS = { type: list(), subject: text(), event: text(), follow: oneOf(["on", "off"] as const, "on") };

const COLUMNS: readonly Column<Event>[] = [
  {
    id: "time",
    head: "Time",
    value: ({ id }) => id,
    cell: ({ time }) => <Time at={Date.parse(time)} />,
    width: 100,
  },
  {
    id: "type",
    head: "What",
    value: ({ type }) => lookOf(type).word,
    cell: (event) => <What event={event} />,
    width: 200,
  },
  { id: "subject", head: "Subject", value: subjectOf, cell: (event) => <Subject event={event} />, width: 150 },
  { id: "owner", head: "Owner", value: ({ owner }) => owner, cell: ({ owner }) => owner ?? "", width: 110 },
  { id: "said", head: "Details", value: sentenceOf, cell: (event) => sentenceOf(event), width: "grow" },
  { id: "source", head: "Source", value: ({ source }) => source, width: 160, off: true },
];

export default function EventsPage() {
  const [view, setView] = useUrlState(FIELDS);
  const found = useEvents(view.type, view.subject.trim());
  const open = view.event === "" ? null : Number(view.event);
  const following = view.follow === "on" && open === null;
  const { shown, waiting } = useHeld(found.events, !following, JSON.stringify([view.type, view.subject]));
  const rows = useMemo(() => (shown === undefined ? undefined : [...shown].reverse()), [shown]);
  const topics = useMemo(() => topicsOf([...view.type, ...(shown ?? []).map(({ type }) => type)]), [view.type, shown]);
  const filtered = view.type.length > 0 || view.subject.trim() !== "";
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
          what="events"
          columns={COLUMNS}
          rows={rows}
          rowKey={({ id }) => String(id)}
          order="-time"
          onOpen={({ id }) => setView({ event: String(id) }, { step: true })}
          filters={
            <div className={css.filters}>
              <MultiSelect
                size="xs"
                className={css.types}
                aria-label="Types of events"
                placeholder={view.type.length === 0 ? "All types" : ""}
                data={topics}
                value={[...view.type]}
                onChange={(type) => setView({ type })}
                searchable
                clearable
                hidePickedOptions
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
      <EventDetails id={open} among={rows} onMove={(id) => setView({ event: id === null ? "" : String(id) })} />
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

function What({ event }: { event: Event }) {
  const look = lookOf(event.type);
  return (
    <span className={css.what} title={event.type}>
      <StatusMark status={look} />
      {look.word}
    </span>
  );
}

function Subject({ event }: { event: Event }) {
  const place = placeOf(event);
  if (place === null) return <span title={event.subject}>{event.subject}</span>;
  return <Link to={place.kind === "job" ? paths.job(place.name) : paths.node(place.name)}>{place.name}</Link>;
}
