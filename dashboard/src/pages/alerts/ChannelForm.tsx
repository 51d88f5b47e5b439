// A channel, written with its secrets: they are sent once, and never come back. Used by the page Channels.
import { Button, PasswordInput, Radio, Textarea, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { Refusal } from "../../components/Refusal";
import type { Channel } from "../../data/alerting";
import css from "./alerts.module.css";
import { channelOf, kindOf, KINDS, NEW_CHANNEL, wrongInChannel, type ChannelDraft, type WrongChannel } from "./channel-draft";
import own from "./list.module.css";
import { change, useChange } from "./queries";

interface Props {
  /** The one that is written anew; null: a new one. */
  readonly there: Channel | null;
  readonly taken: ReadonlySet<string>;
  readonly close: () => void;
}

export function ChannelForm({ there, taken, close }: Props): ReactNode {
  const [draft, setDraft] = useState<ChannelDraft>(() => startOf(there));
  const [tried, setTried] = useState(false);
  const put = useChange((one: ChannelDraft) => change.putChannel(one.name, channelOf(one)), "channels", "alert-routes");
  const found = wrongInChannel(draft, taken);
  const wrong: WrongChannel = tried ? found : {};
  const kind = kindOf(draft.kind);
  const set = (part: Partial<ChannelDraft>): void => setDraft({ ...draft, ...part });
  const submit = (): void => {
    setTried(true);
    if (Object.keys(found).length === 0) put.mutate(draft, { onSuccess: close });
  };
  return (
    <form
      className={`${css.panel ?? ""} ${css.stack ?? ""}`}
      aria-label={there === null ? "New channel" : `Channel ${there.name}`}
      autoComplete="off"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <h2>{there === null ? "New channel" : `${there.name}, written anew`}</h2>
      {there !== null && (
        <p className={css.dim}>What it was kept with is never shown: give the address, the key and the headers again.</p>
      )}
      {there === null && (
        <TextInput
          label="Name"
          placeholder="ops"
          value={draft.name}
          error={wrong.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
        />
      )}
      <Radio.Group label="Kind" value={draft.kind} onChange={(value) => set({ kind: KINDS.find((one) => one.kind === value)?.kind ?? "webhook" })}>
        <div className={own.kinds}>
          {KINDS.map((one) => (
            <Radio key={one.kind} value={one.kind} label={one.title} description={one.says} />
          ))}
        </div>
      </Radio.Group>
      <PasswordInput
        label={kind.url.label}
        description={`${kind.url.hint}. A secret: kept, and never shown again`}
        required={kind.url.needed}
        autoComplete="new-password"
        value={draft.url}
        error={wrong.url}
        onChange={(event) => set({ url: event.currentTarget.value })}
      />
      {kind.secret !== null && (
        <PasswordInput
          label={kind.secret.label}
          description={kind.secret.hint}
          required={kind.secret.needed}
          autoComplete="new-password"
          value={draft.secret}
          error={wrong.secret}
          onChange={(event) => set({ secret: event.currentTarget.value })}
        />
      )}
      {kind.headers && (
        <Textarea
          label="Headers"
          description="A line each, as Authorization: Bearer …; secrets, too"
          rows={2}
          autoComplete="off"
          spellCheck={false}
          value={draft.headers}
          error={wrong.headers}
          onChange={(event) => set({ headers: event.currentTarget.value })}
        />
      )}
      <div className={css.pair}>
        <TextInput
          label="Authorities to trust"
          description="A file on the controller; empty: the system's"
          value={draft.caFile}
          error={wrong.caFile}
          onChange={(event) => set({ caFile: event.currentTarget.value })}
        />
        <TextInput
          label="Seconds for one message"
          description="1 to 60"
          inputMode="decimal"
          value={draft.timeout}
          error={wrong.timeout}
          onChange={(event) => set({ timeout: event.currentTarget.value })}
        />
      </div>
      {put.error !== null && <Refusal error={put.error} />}
      <div className={css.actions}>
        <Button type="submit" loading={put.isPending}>
          {there === null ? "Add the channel" : "Write it anew"}
        </Button>
        <Button variant="default" onClick={close}>
          Cancel
        </Button>
      </div>
    </form>
  );
}

function startOf(there: Channel | null): ChannelDraft {
  if (there === null) return NEW_CHANNEL;
  return { ...NEW_CHANNEL, name: there.name, kind: there.kind, caFile: there.ca_file ?? "", timeout: String(there.timeout) };
}
