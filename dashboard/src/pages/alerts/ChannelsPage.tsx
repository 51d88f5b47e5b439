// The page /alerts/channels: where people are told, how the sending goes; ?new=1 adds one, ?write=NAME writes one anew.
import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { EmptyState } from "../../components/EmptyState";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { Time } from "../../components/Time";
import { useMe } from "../../data/me";
import { Link } from "../../routing/Link";
import { flag, text } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import type { Channel } from "../../data/alerting";
import css from "./alerts.module.css";
import { ConfirmButton } from "./ConfirmButton";
import { ChannelForm } from "./ChannelForm";
import { kindOf } from "./channel-draft";
import { Frame } from "./Frame";
import own from "./list.module.css";
import { change, useChange, useChannels } from "./queries";

const FIELDS = { new: flag(), write: text() };

export function ChannelsPage(): ReactNode {
  const [view, setView] = useUrlState(FIELDS);
  const may = useMe().can("operate");
  const asked = useChannels();
  const channels = asked.data?.items;
  const isNew = view.new && may;
  const anew = may ? channels?.find((one) => one.name === view.write) : undefined;
  const close = (): void => setView({ new: false, write: "" });
  const begin = (): void => setView({ new: true, write: "" }, { step: true });
  return (
    <Frame at="/alerts/channels" title="Channels" asked={asked} actions={may && !isNew && <Button onClick={begin}>New channel</Button>}>
      {asked.error !== null && <Refusal error={asked.error} />}
      {channels !== undefined && (isNew || anew !== undefined) && (
        <ChannelForm
          key={anew?.name ?? "new"}
          there={isNew ? null : (anew ?? null)}
          taken={new Set(isNew ? channels.map((one) => one.name) : [])}
          close={close}
        />
      )}
      {channels === undefined ? (
        asked.error === null && <Skeleton rows={5} />
      ) : channels.length === 0 ? (
        <EmptyState title="Nobody is told of anything" action={may && !isNew && <Button onClick={begin}>New channel</Button>}>
          Alerts are shown here alone. A channel sends them to where people are: a webhook, PagerDuty, e-mail, a chat.
          {!may && " An operator can add one."}
        </EmptyState>
      ) : (
        <ul className={own.list}>
          {channels.map((one) => (
            <Line key={one.name} channel={one} may={may} write={() => setView({ write: one.name, new: false }, { step: true })} />
          ))}
        </ul>
      )}
    </Frame>
  );
}

function Line({ channel, may, write }: { channel: Channel; may: boolean; write: () => void }): ReactNode {
  const test = useChange((name: string) => change.testChannel(name), "channels");
  const remove = useChange((name: string) => change.removeChannel(name), "channels", "alert-routes");
  const { fares } = channel;
  return (
    <li className={own.item}>
      <div className={own.main}>
        <div className={css.row}>
          <span className={own.name}>{channel.name}</span>
          <span className={css.dim}>{kindOf(channel.kind).title}</span>
          <code>{channel.to}</code>
          {channel.signed && <span className={css.label}>signed</span>}
          {channel.headers.map((name) => (
            <span key={name} className={css.label} title="A header; its value is a secret">
              {name}: ••••
            </span>
          ))}
        </div>
        <p className={css.calm}>
          In the last day: {fares.sent} sent
          {fares.waiting > 0 && <span className={css.warn}> · {fares.waiting} waiting</span>}
          {fares.given_up > 0 && (
            <>
              {" · "}
              <Link to={`/alerts/deliveries?state=given-up&channel=${encodeURIComponent(channel.name)}`}>
                {fares.given_up} given up
              </Link>
            </>
          )}
          {fares.last_sent_at !== null && (
            <>
              {" "}
              · last <Time at={fares.last_sent_at} />
            </>
          )}
        </p>
        {fares.error !== "" && <p className={css.bad}>It does not get through: {fares.error}</p>}
        {test.isSuccess && (
          <p className={css.ok} role="status">
            The test message was taken.
          </p>
        )}
        {test.error !== null && <Refusal error={test.error} />}
        {remove.error !== null && <Refusal error={remove.error} />}
      </div>
      {may && (
        <div className={css.actions}>
          <Button variant="default" size="compact-sm" loading={test.isPending} onClick={() => test.mutate(channel.name)}>
            Send a test
          </Button>
          <Button variant="default" size="compact-sm" onClick={write}>
            Write anew…
          </Button>
          <ConfirmButton
            label="Remove…"
            title={`Remove the channel ${channel.name}?`}
            yes="Remove it"
            busy={remove.isPending}
            act={() => remove.mutate(channel.name)}
          >
            {fares.waiting > 0
              ? `${fares.waiting} that wait to be sent there are given up. `
              : "Nothing waits to be sent there. "}
            Its secrets are gone with it.
          </ConfirmButton>
        </div>
      )}
    </li>
  );
}
