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
import { labelsBut, matchesOf, writeMatches } from "./matching";
import { change, useAlert, useChange, useRules } from "./queries";
import { AlertStateWord, Severity } from "./Severity";
import { stands } from "./standing";
import { ToldList } from "./ToldList";

export function AlertPage({ id }: { id: string }): ReactNode {
  const asked = useAlert(id);
  const alert = asked.data;
  return (
    <Frame at="/alerts" title="Alert" asked={asked} actions={alert && <Actions alert={alert} />}>
      {asked.error !== null && <Refusal error={asked.error} />}
      {alert === undefined ? asked.error === null && <Skeleton rows={10} /> : <Whole alert={alert} />}
    </Frame>
  );
}

function Whole({ alert }: { alert: Alert }): ReactNode {
  const rule = useRules().data?.items.find((one) => one.name === alert.rule);
  const more = labelsBut(alert.annotations, "summary", "next_step");
  return (
    <>
      <div className={css.stack}>
        <h2>{alert.summary}</h2>
        <div className={css.row}>
          <Severity of={alert.severity} quiet={!stands(alert)} />
          <AlertStateWord alert={alert} />
          <span className={css.dim}>
            {alert.ended_at === null ? "since " : "over since "}
            <Time at={alert.ended_at ?? alert.started_at} />
          </span>
          <Where labels={alert.labels} />
        </div>
      </div>
      {alert.next_step !== null && (
        <div className={css.next}>
          <h2>What to do next</h2>
          <p>{alert.next_step}</p>
        </div>
      )}
      {alert.muted !== null && <Quietly alert={alert} />}
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
              <Labels of={alert.labels} />
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
  const { node = "", uuid = "", gpu } = labels;
  return (
    <>
      {node !== "" && <Link to={paths.node(node)}>{node}</Link>}
      {uuid !== "" && <Link to={paths.gpu(uuid)}>{gpu === undefined ? uuid : `GPU ${gpu}`}</Link>}
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

function Quietly({ alert }: { alert: Alert }): ReactNode {
  const { muted } = alert;
  if (muted === null) return null;
  return (
    <p className={css.quietly}>
      Nobody is told: {muted.how === "silenced" ? "a " : "a worse one, "}
      {muted.how === "silenced" ? (
        <Link to={`/alerts/silences?id=${encodeURIComponent(muted.by)}`}>silence</Link>
      ) : (
        <Link to={`/alerts/${encodeURIComponent(muted.by)}`}>{muted.why}</Link>
      )}
      {muted.how === "silenced" && <> says why: {muted.why}</>}
      {muted.until !== null && (
        <>
          , which ends <Time at={muted.until} />
        </>
      )}
      .
    </p>
  );
}

function Actions({ alert }: { alert: Alert }): ReactNode {
  const may = useMe().can("operate");
  const [asking, setAsking] = useState(false);
  const undo = useChange(() => change.unack(alert.fingerprint), "alerts");
  if (!may || !stands(alert)) return null;
  const labels = alert.rule === "finding" ? alert.series : labelsBut(alert.labels, "finding");
  const match = writeMatches({ rule: [alert.rule], ...matchesOf(labels) });
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
        renderRoot={(props) => <Link {...props} to={`/alerts/silences?new=1&match=${encodeURIComponent(match)}`} />}
      >
        Silence…
      </Button>
      {asking && <AckForm alert={alert} close={() => setAsking(false)} />}
    </>
  );
}
