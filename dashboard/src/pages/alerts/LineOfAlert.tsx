// One alert in a line: what, where, how it stands, its value, who was told, since when. Used by GroupOfAlerts.
import { memo, type ReactNode } from "react";
import { Time } from "../../components/Time";
import type { Alert, Told } from "../../data/alerting";
import { Link } from "../../routing/Link";
import { sayMeasured } from "./condition";
import { labelsBut } from "./matching";
import { whereOf } from "./preview-strip";
import { AlertStateWord, Severity } from "./Severity";
import { silenceFor, silencing } from "./silence-draft";
import { isLoud, stands, type Grouping } from "./standing";
import css from "./standing.module.css";

interface Props {
  readonly alert: Alert;
  readonly by: Grouping;
  /** undefined: its rule is gone, or it has no values. */
  readonly unit: string | undefined;
  readonly may: boolean;
}

export const LineOfAlert = memo(function LineOfAlert({ alert, by, unit, may }: Props): ReactNode {
  const loud = isLoud(alert);
  return (
    <li className={css.line} data-hushed={!loud || undefined}>
      <Severity of={alert.severity} quiet={!loud} bare />
      <div className={css.what}>
        <Link to={`/alerts/${alert.fingerprint}`} className={css.title}>
          {alert.summary}
        </Link>
        <span className={css.sort}>
          {by !== "rule" && <>{alert.rule} · </>}
          {whereOf(labelsBut(alert.labels, "finding", "layer"))}
          <Hush alert={alert} />
        </span>
      </div>
      <AlertStateWord alert={alert} />
      <span className={css.told}>{toldOf(alert)}</span>
      {/* A value of a series; findings and what says nothing have none to show. */}
      <span className={css.value}>{unit === undefined || alert.value === null ? "–" : sayMeasured(alert.value, unit)}</span>
      <span className={css.since}>
        <Time at={stands(alert) ? (alert.fired_at ?? alert.started_at) : (alert.ended_at ?? alert.started_at)} />
      </span>
      {may && (
        <span className={css.deed}>
          {loud && (
            <Link to={silenceFor(silencing(alert))} aria-label={`Silence ${alert.summary}…`}>
              Silence…
            </Link>
          )}
        </span>
      )}
    </li>
  );
});

/** Why it is quiet, where it is. */
function Hush({ alert }: { alert: Alert }): ReactNode {
  if (!stands(alert)) return null;
  if (alert.muted !== null) {
    return (
      <>
        {" "}
        · {alert.muted.how === "inhibited" ? "kept quiet: " : "silenced by "}
        {alert.muted.why}
      </>
    );
  }
  if (alert.ack === null) return null;
  return (
    <>
      {" "}
      · seen by {alert.ack.by}
      {alert.ack.why === "" ? "" : `: ${alert.ack.why}`}
    </>
  );
}

/** The worst first: who was not told comes before who was. */
function toldOf(alert: Alert): ReactNode {
  const names = (...states: readonly Told["state"][]): string =>
    alert.told
      .filter((one) => states.includes(one.state))
      .map((one) => one.channel)
      .join(", ");
  const [failed, waiting, told] = [names("given-up"), names("waiting"), names("sent", null)];
  if (failed !== "") return <span className={css.failed}>not told: {failed}</span>;
  if (waiting !== "") return <span className={css.waiting}>not yet told: {waiting}</span>;
  if (told !== "") return `told: ${told}`;
  return isLoud(alert) ? "nobody told" : "";
}
