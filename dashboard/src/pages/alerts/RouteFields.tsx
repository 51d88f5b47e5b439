// The fields of a route. Texts that cannot be read stay in their field, and the route as it was. Used by the list of routes.
import { Checkbox, Switch, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import type { Route } from "../../data/alerting";
import css from "./alerts.module.css";
import own from "./list.module.css";
import { MatchesField } from "./MatchesField";
import { readSpan, writeSpan } from "./span";

interface Props {
  readonly route: Route;
  readonly channels: readonly string[];
  readonly set: (route: Route) => void;
}

export function RouteFields({ route, channels, set }: Props): ReactNode {
  const gone = route.channels.filter((name) => !channels.includes(name));
  return (
    <div className={css.stack}>
      <TextInput label="Name" value={route.name} onChange={(event) => set({ ...route, name: event.currentTarget.value.trim() })} />
      <fieldset className={own.choice}>
        <legend>Channels</legend>
        {[...channels, ...gone].map((name) => (
          <Checkbox
            key={name}
            label={gone.includes(name) ? `${name} (gone)` : name}
            checked={route.channels.includes(name)}
            onChange={() => set({ ...route, channels: toggled(route.channels, name) })}
          />
        ))}
      </fieldset>
      <MatchesField
        label="Which alerts"
        description="severity=critical rule=gpu-*; empty: all"
        value={route.matches}
        set={(matches) => set({ ...route, matches })}
      />
      <LabelsField
        label="Together in one message"
        description="Labels, with blanks between them: those with the same values. Empty: all in one"
        value={route.group_by}
        set={(names) => set({ ...route, group_by: names })}
      />
      <div className={css.pair}>
        <SpanField label="Waits for company" value={route.group_wait} set={(group_wait) => set({ ...route, group_wait })} />
        <SpanField label="Between two messages" value={route.group_interval} set={(group_interval) => set({ ...route, group_interval })} />
        <SpanField
          label="Reminder after"
          description="0: never"
          value={route.repeat_interval}
          set={(repeat_interval) => set({ ...route, repeat_interval })}
        />
      </div>
      <Switch
        label="Goes on: those after it are tried, too"
        checked={route.goes_on}
        onChange={(event) => set({ ...route, goes_on: event.currentTarget.checked })}
      />
    </div>
  );
}

/** Those there are keep their order; a new one is the last. */
function toggled(names: readonly string[], name: string): readonly string[] {
  return names.includes(name) ? names.filter((one) => one !== name) : [...names, name];
}

interface SpanProps {
  readonly label: string;
  readonly description?: string;
  readonly value: number;
  readonly set: (seconds: number) => void;
}

function SpanField({ label, description = "\u00a0", value, set }: SpanProps): ReactNode {
  const [text, setText] = useState(writeSpan(value));
  const read = readSpan(text);
  return (
    <TextInput
      label={label}
      description={description}
      value={text}
      error={read === null ? "Like 30s, 5m or 4h" : undefined}
      onChange={(event) => {
        setText(event.currentTarget.value);
        const seconds = readSpan(event.currentTarget.value);
        if (seconds !== null) set(seconds);
      }}
      onBlur={() => setText(writeSpan(value))}
    />
  );
}

interface LabelsProps {
  readonly label: string;
  readonly description: string;
  readonly value: readonly string[];
  readonly set: (names: readonly string[]) => void;
}

export function LabelsField({ label, description, value, set }: LabelsProps): ReactNode {
  const [text, setText] = useState(value.join(" "));
  const isRead = namesIn(text).every((name) => /^[A-Za-z_]\w{0,127}$/.test(name));
  return (
    <TextInput
      label={label}
      description={description}
      value={text}
      error={isRead ? undefined : "Names of labels: letters, digits and _"}
      onChange={(event) => {
        setText(event.currentTarget.value);
        const names = namesIn(event.currentTarget.value);
        if (names.every((name) => /^[A-Za-z_]\w{0,127}$/.test(name))) set(names);
      }}
    />
  );
}

function namesIn(text: string): readonly string[] {
  return [...new Set(text.split(/[\s,]+/).filter((name) => name !== ""))];
}
