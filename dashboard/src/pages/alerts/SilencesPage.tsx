// The page /alerts/silences: what is kept quiet, by whom, until when; ?new=1 adds one (&match= and &why= fill it in),
// ?id= marks one.
import { Button, Switch } from "@mantine/core";
import type { ReactNode } from "react";
import { EmptyState } from "../../components/EmptyState";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { Time } from "../../components/Time";
import { useMe } from "../../data/me";
import { useNow } from "../../data/useNow";
import { Link } from "../../routing/Link";
import { flag, text } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import type { Silence } from "../../data/alerting";
import css from "./alerts.module.css";
import { ConfirmButton } from "./ConfirmButton";
import { Frame } from "./Frame";
import { MatchesShown } from "./Labels";
import own from "./list.module.css";
import { factsOf, fits } from "./matching";
import { change, useAlerts, useChange, useSilences } from "./queries";
import { silenceAgain } from "./silence-draft";
import { SilenceForm } from "./SilenceForm";
import { stands } from "./standing";
import { inOrder, sayWeekly } from "./weekly";

const FIELDS = { new: flag(), match: text(), why: text(), id: text(), ended: flag() };

export function SilencesPage(): ReactNode {
  const [view, setView] = useUrlState(FIELDS);
  const may = useMe().can("operate");
  const asked = useSilences();
  const isNew = view.new && may;
  const { ended, id: marked } = view;
  const all = asked.data && inOrder(asked.data.items);
  const shown = all?.filter((one) => ended || one.state !== "ended" || one.id === marked);
  const old = all?.filter((one) => one.state === "ended").length ?? 0;
  return (
    <Frame
      at="/alerts/silences"
      title="Silences"
      asked={asked}
      actions={may && !isNew && <Button onClick={() => setView({ new: true, match: "", why: "" }, { step: true })}>New silence</Button>}
    >
      {asked.error !== null && <Refusal error={asked.error} />}
      {isNew && (
        <SilenceForm
          key={`${view.match} ${view.why}`}
          start={view.match}
          startWhy={view.why}
          close={() => setView({ new: false, match: "", why: "" })}
          added={(id) => setView({ new: false, match: "", why: "", id })}
        />
      )}
      {shown === undefined ? (
        asked.error === null && <Skeleton rows={6} />
      ) : shown.length === 0 ? (
        !isNew && (
          <EmptyState
            title="No silences"
            action={may && <Button onClick={() => setView({ new: true }, { step: true })}>New silence</Button>}
          >
            Everybody is told of everything. A silence keeps alerts from being told for a while; they are still shown.
          </EmptyState>
        )
      ) : (
        <ul className={own.list}>
          {shown.map((one) => (
            <Line key={one.id} silence={one} may={may} marked={one.id === marked} />
          ))}
        </ul>
      )}
      {old > 0 && (
        <Switch
          label={`Those that ended in the last seven days, too (${old})`}
          checked={ended}
          onChange={(event) => setView({ ended: event.currentTarget.checked })}
        />
      )}
    </Frame>
  );
}

const STATES: Readonly<Record<Silence["state"], string>> = {
  active: "in force",
  waiting: "waits",
  ended: "over",
};

function Line({ silence, may, marked }: { silence: Silence; may: boolean; marked: boolean }): ReactNode {
  const now = useNow(10_000);
  const end = useChange((id: string) => change.endSilence(id), "silences", "alerts");
  const standing = useAlerts().data?.items.filter((one) => stands(one) && fits(silence.matches, factsOf(one)));
  return (
    <li className={own.item} data-marked={marked || undefined} data-over={silence.state === "ended" || undefined}>
      <div className={own.main}>
        <div className={css.row}>
          <span className={own.state} data-state={silence.state}>
            {STATES[silence.state]}
          </span>
          <MatchesShown of={silence.matches} none="everything" />
        </div>
        <p>
          {silence.why} <span className={css.dim}>({silence.by})</span>
        </p>
        <p className={css.calm}>
          {silence.state === "waiting" && Date.parse(silence.start) > now && (
            <>
              begins <Time at={silence.start} />,{" "}
            </>
          )}
          {silence.state === "ended" ? "ended " : "ends "}
          <Time at={silence.end} />
          {silence.weekly !== null && <> · {sayWeekly(silence.weekly)}</>}
          {silence.weekly !== null && silence.until !== null && (
            <>
              {" "}
              · this time it ends <Time at={silence.until} />
            </>
          )}
          {silence.state !== "ended" && standing !== undefined && <> · {sayStanding(standing.length)}</>}
        </p>
        {end.error !== null && <Refusal error={end.error} />}
      </div>
      {may && (
        <div className={css.actions}>
          <Button variant="default" size="compact-sm" renderRoot={(props) => <Link {...props} to={silenceAgain(silence)} />}>
            {silence.state === "ended" ? "Again…" : "Prolong…"}
          </Button>
          {silence.state !== "ended" && (
            <ConfirmButton
              label="End…"
              title="End this silence now?"
              yes="End it"
              busy={end.isPending}
              act={() => end.mutate(silence.id)}
            >
              {standing !== undefined && standing.length > 0
                ? `${sayStanding(standing.length)}: people are told of them again.`
                : "It matches nothing that stands now."}
            </ConfirmButton>
          )}
        </div>
      )}
    </li>
  );
}

function sayStanding(count: number): string {
  return count === 0 ? "nothing that stands matches" : `${count} that ${count === 1 ? "stands matches" : "stand match"}`;
}
