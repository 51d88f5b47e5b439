// The page /alerts/ID: one alert: why, what to do next, who was told, and what its series did. Used by the router.
import { Button } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { Time } from "../../components/Time";
import { useMe } from "../../data/me";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import type { Alert } from "../../data/alerting";
import { AckForm } from "./AckForm";
import { AlertHistory } from "./AlertHistory";
import css from "./alerts.module.css";
import { sayCondition, sayNumber, unitOf } from "./condition";
import { Frame } from "./Frame";
import { Labels } from "./Labels";
import { labelsBut } from "./matching";
import { NotTold } from "./NotTold";
import { change, useAlert, useAlerts, useChange, useChannels, useRules, useSilences } from "./queries";
import { AlertStateWord, Severity } from "./Severity";
import { silenceFor, silencing } from "./silence-draft";
import { isLoud, stands } from "./standing";
import { ToldList } from "./ToldList";

const MOST_NAMED = 5;

export function AlertPage({ id }: { id: string }): ReactNode {
  const asked = useAlert(id);
  const alert = asked.data;
  // What stands above the rest is known before it is drawn: nothing moves.
  const [rules, channels] = [useRules(), useChannels()];
  const isWhole = !rules.isPending && !channels.isPending;
  return (
    <Frame at="/alerts" title={alert?.summary ?? "Alert"} asked={asked} actions={alert && <Actions alert={alert} />}>
      {asked.error !== null && <Refusal error={asked.error} />}
      {alert !== undefined && isWhole ? <Whole alert={alert} /> : asked.error === null && <Skeleton rows={12} />}
    </Frame>
  );
}

function Whole({ alert }: { alert: Alert }): ReactNode {
  const rule = useRules().data?.items.find((one) => one.name === alert.rule);
  const more = labelsBut(alert.annotations, "summary", "next_step");
  return (
    <>
      <div className={css.row}>
        <Severity of={alert.severity} quiet={!stands(alert)} />
        <AlertStateWord alert={alert} />
        <span className={css.dim}>
          {alert.ended_at === null ? "since " : "over since "}
          <Time at={alert.ended_at ?? alert.started_at} />
        </span>
        <Where labels={alert.labels} />
      </div>
      {isLoud(alert) && <NotTold standing={[alert]} />}
      {alert.next_step !== null && (
        <div className={css.next}>
          <h2>What to do next</h2>
          <p>{alert.next_step}</p>
        </div>
      )}
      {alert.muted !== null && <Quietly muted={alert.muted} />}
      <KeepsQuiet id={alert.fingerprint} />
      {alert.ack !== null && (
        <p className={css.quietly}>
          Seen by <strong>{alert.ack.by}</strong> <Time at={alert.ack.at} />
          {alert.ack.why !== "" && <>: {alert.ack.why}</>}. No reminders until it ends, changes or becomes worse.
        </p>
      )}
      {rule !== undefined && <AlertHistory key={alert.fingerprint} alert={alert} rule={rule} />}
      <div className={css.columns}>
        <section className={css.panel} aria-label="Why">
          <dl className={css.facts}>
            <dt>Rule</dt>
            <dd>
              {alert.rule === "finding" ? (
                "a finding of health; nobody has to write a rule for it"
              ) : (
                <Link to={`/alerts/rules?rule=${encodeURIComponent(alert.rule)}`}>{alert.rule}</Link>
              )}
            </dd>
            <dt>Condition</dt>
            <dd>{rule === undefined ? alert.metric : sayCondition(rule)}</dd>
            <dt>Value</dt>
            <dd>{sayNumber(alert.value, rule === undefined ? "" : unitOf(rule))}</dd>
            <dt>Why</dt>
            <dd>{alert.why}</dd>
            {Object.entries(more).map(([name, text]) => (
              <Fact key={name} name={name} text={text} />
            ))}
            <dt>Began</dt>
            <dd>
              <Time at={alert.started_at} />
            </dd>
            <dt>Fired</dt>
            <dd>{alert.fired_at === null ? "not yet" : <Time at={alert.fired_at} />}</dd>
            <dt>Labels</dt>
            <dd>
              <Labels of={alert.labels} linked />
            </dd>
            <dt>Id</dt>
            <dd>
              <code>{alert.fingerprint}</code>
            </dd>
          </dl>
        </section>
        <ToldList alert={alert} />
      </div>
    </>
  );
}

/** The ways to what it is about. */
function Where({ labels }: Pick<Alert, "labels">): ReactNode {
  const { node = "", uuid = "", gpu, job = "" } = labels;
  return (
    <>
      {node !== "" && <Link to={paths.node(node)}>{node}</Link>}
      {uuid !== "" && <Link to={paths.gpu(uuid)}>{gpu === undefined ? uuid : `GPU ${gpu}`}</Link>}
      {job !== "" && <Link to={paths.job(job)}>job {job}</Link>}
    </>
  );
}

function Fact({ name, text }: { name: string; text: string }): ReactNode {
  return (
    <>
      <dt>{name === "why" ? "What it means" : name}</dt>
      <dd>{text}</dd>
    </>
  );
}

/** Why nobody is told of it. */
function Quietly({ muted }: { muted: NonNullable<Alert["muted"]> }): ReactNode {
  const silences = useSilences().data?.items;
  const isOurs = silences?.some((one) => one.id === muted.by) ?? false;
  return (
    <p className={css.quietly}>
      {muted.how === "inhibited" ? (
        <>
          Kept quiet by a worse one of the same cause:{" "}
          <Link to={`/alerts/${encodeURIComponent(muted.by)}`}>{muted.why}</Link>. Nobody is told of this one meanwhile.
        </>
      ) : (
        <>
          Kept quiet by{" "}
          {isOurs ? <Link to={`/alerts/silences?id=${encodeURIComponent(muted.by)}`}>a silence</Link> : "a silence"} of{" "}
          {muted.why}
          {muted.until !== null && (
            <>
              {" "}
              (ends <Time at={muted.until} />)
            </>
          )}
          . Nobody is told of it meanwhile.
        </>
      )}
    </p>
  );
}

/** The other way round: what is not told because of this one. */
function KeepsQuiet({ id }: { id: string }): ReactNode {
  const quiet = useAlerts().data?.items.filter((one) => one.muted?.how === "inhibited" && one.muted.by === id) ?? [];
  if (quiet.length === 0) return null;
  return (
    <p className={css.quietly}>
      While it fires, nobody is told of {quiet.length === 1 ? "one other" : `${quiet.length} others`}:{" "}
      {quiet.slice(0, MOST_NAMED).map((one, place) => (
        <span key={one.fingerprint}>
          {place > 0 && ", "}
          <Link to={`/alerts/${encodeURIComponent(one.fingerprint)}`}>{one.summary}</Link>
        </span>
      ))}
      {quiet.length > MOST_NAMED && ` and ${quiet.length - MOST_NAMED} more`}.
    </p>
  );
}

function Actions({ alert }: { alert: Alert }): ReactNode {
  const may = useMe().can("operate");
  const [asking, setAsking] = useState(false);
  const undo = useChange(() => change.unack(alert.fingerprint), "alerts");
  if (!may || !stands(alert)) return null;
  return (
    <>
      {undo.error !== null && <Refusal error={undo.error} />}
      {alert.ack === null ? (
        <Button onClick={() => setAsking(true)}>I have seen it…</Button>
      ) : (
        <Button variant="default" loading={undo.isPending} onClick={() => undo.mutate(undefined)}>
          Take back that it was seen
        </Button>
      )}
      <Button
        variant="default"
        renderRoot={(props) => <Link {...props} to={silenceFor(silencing(alert))} />}
      >
        Silence…
      </Button>
      {asking && <AckForm alert={alert} close={() => setAsking(false)} />}
    </>
  );
}
