// The page /alerts/deliveries: what was sent, what waits, what was given up, and why. Its filters are in the address.
import { Button, NativeSelect, SegmentedControl } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { EmptyState } from "../../components/EmptyState";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { Time } from "../../components/Time";
import { Link } from "../../routing/Link";
import { oneOf, text } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import type { Delivery, DeliveryState } from "../../data/alerting";
import css from "./alerts.module.css";
import { Frame } from "./Frame";
import own from "./list.module.css";
import { useChannels, useDeliveries } from "./queries";
import { saySpan } from "./span";

const FIELDS = { state: oneOf(["", "given-up", "waiting", "sent"], ""), channel: text() };
const STATES: { value: "" | DeliveryState; label: string }[] = [
  { value: "", label: "All" },
  { value: "given-up", label: "Given up" },
  { value: "waiting", label: "Waiting" },
  { value: "sent", label: "Sent" },
];
const WORDS: Readonly<Record<DeliveryState, string>> = { waiting: "waits", sent: "sent", "given-up": "given up" };
const AT_A_TIME = 100;

export function DeliveriesPage(): ReactNode {
  const [{ state, channel }, setView] = useUrlState(FIELDS);
  const [most, setMost] = useState(AT_A_TIME);
  const asked = useDeliveries(state, channel);
  const names = useChannels().data?.items.map((one) => one.name) ?? [];
  const all = asked.data?.items;
  return (
    <Frame at="/alerts/deliveries" title="Deliveries" asked={asked}>
      <div className={css.row} role="search" aria-label="Deliveries">
        <SegmentedControl
          aria-label="State"
          data={STATES}
          value={state}
          onChange={(value) => setView({ state: value }, { step: true })}
        />
        <NativeSelect
          aria-label="Channel"
          data={[{ value: "", label: "All channels" }, ...names, ...(channel === "" || names.includes(channel) ? [] : [channel])]}
          value={channel}
          onChange={(event) => setView({ channel: event.currentTarget.value }, { step: true })}
        />
      </div>
      {asked.error !== null && <Refusal error={asked.error} />}
      {all === undefined ? (
        asked.error === null && <Skeleton rows={8} />
      ) : all.length === 0 ? (
        <EmptyState title={state === "given-up" ? "Nothing was given up" : "Nothing was sent in the last day"}>
          {names.length === 0 ? (
            <>
              There is no channel: <Link to="/alerts/channels">add one</Link>, and alerts are sent there.
            </>
          ) : (
            "What is sent is kept for a day after it was sent or given up."
          )}
        </EmptyState>
      ) : (
        <ul className={own.list} aria-busy={asked.isPlaceholderData} data-old={asked.isPlaceholderData || undefined}>
          {all.slice(0, most).map((one) => (
            <Line key={one.key} delivery={one} />
          ))}
        </ul>
      )}
      {all !== undefined && all.length > most && (
        <Button variant="default" onClick={() => setMost(most + AT_A_TIME)}>
          Show more of {all.length}
          {asked.data?.next === null ? "" : " and more"}
        </Button>
      )}
    </Frame>
  );
}

function Line({ delivery }: { delivery: Delivery }): ReactNode {
  const [first] = delivery.alerts;
  return (
    <li className={own.item}>
      <div className={own.main}>
        <div className={css.row}>
          <span className={own.state} data-state={delivery.state}>
            {WORDS[delivery.state]}
          </span>
          <span className={own.name}>{delivery.channel}</span>
          {first === undefined ? (
            delivery.title
          ) : (
            <Link to={`/alerts/${encodeURIComponent(first.fingerprint)}`}>{delivery.title}</Link>
          )}
        </div>
        {delivery.error !== "" && (
          <p className={delivery.state === "sent" ? css.dim : css.bad}>
            {delivery.error}
          </p>
        )}
        <p className={css.calm}>
          {delivery.reason} · route {delivery.route}
          {delivery.alerts.length > 1 && ` · ${delivery.alerts.length} alerts`}
          {delivery.attempts > 1 && ` · ${delivery.attempts} attempts`}
          {delivery.state === "waiting" && delivery.attempts > 0 && ` · the next one ${saySpan(delivery.wait)} after the last`}
        </p>
      </div>
      <span className={css.calm}>
        <Time at={delivery.ended_at ?? delivery.made_at} />
      </span>
    </li>
  );
}
