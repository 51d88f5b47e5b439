// One event, all of it. Used by page events; at /events?event=ID.
import { Button, Modal } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Copyable } from "../../components/Copyable";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { StatusMark } from "../../components/StatusBadge";
import { Time } from "../../components/Time";
import { Unknown } from "../../components/Unknown";
import { ask } from "../../data/ask";
import { trouble } from "../../data/refusal";
import type { Event } from "../../data/shapes";
import { Link } from "../../routing/Link";
import { dataOf, placeOf } from "./event";
import css from "./EventDetails.module.css";
import { lookOf } from "./kinds";

interface Props {
  id: number | null;
  /** Newest first; what is to be leafed through. */
  among: readonly Event[] | undefined;
  onMove: (id: number | null) => void;
}

export function EventDetails({ id, among, onMove }: Props) {
  const here = among?.findIndex((event) => event.id === id) ?? -1;
  const listed = here < 0 ? undefined : among?.[here];
  const asked = useQuery({
    queryKey: ["event", id],
    queryFn: async ({ signal }) => {
      const query = { after: Math.max(0, (id ?? 0) - 1), limit: 1 };
      const { items } = await ask("get", "/api/v1/events", { query }, { signal });
      return items.find((event) => event.id === id) ?? null;
    },
    enabled: id !== null && Number.isSafeInteger(id) && listed === undefined,
    staleTime: Infinity,
  });
  const event = listed ?? asked.data;
  const [newer, older] = here < 0 ? [undefined, undefined] : [among?.[here - 1], among?.[here + 1]];
  return (
    <Modal opened={id !== null} onClose={() => onMove(null)} title="Event" size={640}>
      <div className={css.details}>
        {asked.error !== null && event === undefined && <Refusal error={trouble(asked.error)} />}
        {event === undefined && asked.error === null && <Skeleton height={240} />}
        {event === null && (
          <p>There is no event {id}. Old ones are cleared away after a time; or the address is mistyped.</p>
        )}
        {event !== undefined && event !== null && <All event={event} />}
        <footer className={css.foot}>
          <Button size="xs" variant="default" disabled={newer === undefined} onClick={() => onMove(newer?.id ?? null)}>
            Newer
          </Button>
          <Button size="xs" variant="default" disabled={older === undefined} onClick={() => onMove(older?.id ?? null)}>
            Older
          </Button>
        </footer>
      </div>
    </Modal>
  );
}

function All({ event }: { event: Event }) {
  const look = lookOf(event.type);
  const place = placeOf(event);
  const data = dataOf(event);
  return (
    <>
      <p className={css.what}>
        <StatusMark status={look} />
        {look.word}
      </p>
      <dl className={css.facts}>
        <Fact name="Time">
          <Time at={Date.parse(event.time)} exact />
        </Fact>
        <Fact name="Subject">
          {place === null ? (
            event.subject
          ) : (
            <>
              <Link to={place.to}>{place.name}</Link>
              {place.name !== event.subject && <> · {event.subject}</>}
            </>
          )}
        </Fact>
        <Fact name="Owner">{event.owner ?? "nobody"}</Fact>
        <Fact name="Source">{event.source}</Fact>
        <Fact name="Type">
          <code>{event.type}</code>
        </Fact>
        <Fact name="Id">{event.id}</Fact>
      </dl>
      {data.length > 0 && (
        <>
          <h3>What it says</h3>
          <dl className={css.facts}>
            {data.map(({ key, value }) => (
              <Fact key={key} name={key}>
                {value === null ? "—" : <span className={css.value}>{value}</span>}
              </Fact>
            ))}
          </dl>
        </>
      )}
      <Copyable text={JSON.stringify(event)} what="the event as JSON" label="Copy as JSON" />
    </>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children === "" ? <Unknown /> : children}</dd>
    </>
  );
}
