// A new silence: whom it means, until when, why, and in which hours. Used by the page Silences.
import { Button, SegmentedControl, Switch, TextInput } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { Refusal } from "../../components/Refusal";
import { useNow } from "../../data/useNow";
import type { NewSilence, Weekly } from "../../data/alerting";
import css from "./alerts.module.css";
import { factsOf, fits, readMatches } from "./matching";
import { change, useAlerts, useChange } from "./queries";
import { sayMeant } from "./silence-draft";
import { stands } from "./standing";
import { localOf, momentOf, wrongInWeekly } from "./weekly";
import { WeeklyFields } from "./WeeklyFields";

const LENGTHS = [
  { value: "1", label: "1 h" },
  { value: "4", label: "4 h" },
  { value: "24", label: "1 day" },
  { value: "168", label: "7 days" },
  { value: "", label: "Until…" },
];
const HOUR = 3_600_000;
const MOST_NAMED = 5;

interface Props {
  /** Matchers to begin with, as text. */
  readonly start: string;
  readonly startWhy: string;
  readonly close: () => void;
  readonly added: (id: string) => void;
}

export function SilenceForm({ start, startWhy, close, added }: Props): ReactNode {
  const [text, setText] = useState(start);
  const [hours, setHours] = useState("1");
  const [end, setEnd] = useState(() => localOf(new Date(Date.now() + 24 * HOUR)));
  const [why, setWhy] = useState(startWhy);
  const [weekly, setWeekly] = useState<Weekly | null>(null);
  const [tried, setTried] = useState(false);
  const now = useNow(10_000);
  const add = useChange((one: NewSilence) => change.addSilence(one), "silences", "alerts");

  const read = readMatches(text);
  const none = Object.keys(read.matches).length === 0;
  const wrongMatches = read.wrong ?? (none && tried ? "Whom? Like node=gpu01, or severity=info" : undefined);
  const moment = momentOf(end);
  const wrongEnd = hours === "" && (moment === null || moment.getTime() <= now) ? "A time to come" : undefined;
  const wrongHours = weekly === null ? null : wrongInWeekly(weekly);
  const wrongWhy = why.trim() === "" && tried ? "Say why, for whoever wonders later" : undefined;

  const submit = (): void => {
    setTried(true);
    if (read.wrong !== null || none || wrongEnd !== undefined || wrongHours !== null || why.trim() === "") return;
    const until = hours === "" && moment !== null ? moment : new Date(Date.now() + Number(hours) * HOUR);
    const silence: NewSilence = { matches: read.matches, end: until.toISOString(), why: why.trim() };
    add.mutate(weekly === null ? silence : { ...silence, weekly }, { onSuccess: (made) => added(made.id) });
  };

  return (
    <form
      className={`${css.panel ?? ""} ${css.columns ?? ""}`}
      aria-label="New silence"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <div className={css.stack}>
        <h2>New silence</h2>
        <TextInput
          label="Whom it keeps quiet"
          description="Every label needs one of its values; gpu* is a beginning; rule, severity and metric count as labels"
          placeholder="node=gpu01 rule=gpu-*"
          data-autofocus
          value={text}
          error={wrongMatches}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <div className={css.row}>
          <SegmentedControl aria-label="For how long" data={LENGTHS} value={hours} onChange={setHours} />
          {hours === "" && (
            <TextInput
              type="datetime-local"
              aria-label="Until"
              value={end}
              error={wrongEnd}
              onChange={(event) => setEnd(event.currentTarget.value)}
            />
          )}
        </div>
        <TextInput
          label="Why"
          maxLength={200}
          value={why}
          error={wrongWhy}
          onChange={(event) => setWhy(event.currentTarget.value)}
        />
        <Switch
          label="Only in hours that come again each week"
          checked={weekly !== null}
          onChange={(event) => setWeekly(event.currentTarget.checked ? nights() : null)}
        />
        {weekly !== null && <WeeklyFields weekly={weekly} set={setWeekly} wrong={wrongHours} />}
        {add.error !== null && <Refusal error={add.error} />}
        <div className={css.actions}>
          <Button type="submit" loading={add.isPending}>
            Add the silence
          </Button>
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
        </div>
      </div>
      <Means text={text} />
    </form>
  );
}

/** Whom of those that stand now it would keep quiet. */
function Means({ text }: { text: string }): ReactNode {
  const standing = useAlerts().data?.items.filter(stands);
  const read = readMatches(text);
  if (standing === undefined || read.wrong !== null || Object.keys(read.matches).length === 0) {
    return <p className={css.dim}>Which of the alerts that stand now it would silence is shown here, once you say whom.</p>;
  }
  const found = standing.filter((one) => fits(read.matches, factsOf(one)));
  return (
    <div className={css.stack} role="status">
      <h3>{sayMeant(found.length, standing.length)}</h3>
      {found.slice(0, MOST_NAMED).map((one) => (
        <p key={one.fingerprint} className={css.small}>
          {one.summary} <span className={css.dim}>{one.rule}</span>
        </p>
      ))}
      {found.length > MOST_NAMED && <p className={css.calm}>and {found.length - MOST_NAMED} more</p>}
    </div>
  );
}

function nights(): Weekly {
  return { days: ["sat", "sun"], begin: "00:00", end: "24:00", zone: Intl.DateTimeFormat().resolvedOptions().timeZone };
}
