// Who was told of an alert, and who could not be. Used by the page of one alert.
import type { ReactNode } from "react";
import { Time } from "../../components/Time";
import { Link } from "../../routing/Link";
import type { Alert, Told } from "../../data/alerting";
import css from "./alerts.module.css";
import { taken } from "./routing";
import { useRoutes } from "./queries";
import { isLoud } from "./standing";

export function ToldList({ alert }: { alert: Alert }): ReactNode {
  const routes = useRoutes().data?.routes;
  const takes = routes && taken(alert, routes);
  return (
    <section className={css.panel} aria-labelledby="told">
      <div className={css.stack}>
        <h2 id="told">Who was told</h2>
        {alert.told.length === 0 && (
          <p className={isLoud(alert) ? css.warn : css.dim}>
            Nobody{isLoud(alert) ? " yet" : ""}. {takes !== undefined && whither(takes)}
          </p>
        )}
        {alert.told.length > 0 && (
          <dl className={css.facts}>
            {alert.told.map((one) => (
              <ToldFact key={one.channel} told={one} />
            ))}
          </dl>
        )}
        <p className={css.small}>
          <Link to="/alerts/routes">Who is told of what</Link> · <Link to="/alerts/deliveries">All deliveries</Link>
        </p>
      </div>
    </section>
  );
}

function whither(routes: readonly string[]): string {
  return routes.length === 0
    ? "No route takes it, so nobody will be told."
    : `It takes the route ${routes.join(", then ")}.`;
}

function ToldFact({ told }: { told: Told }): ReactNode {
  return (
    <>
      <dt>{told.channel}</dt>
      <dd>
        {told.state === "sent" && <span className={css.ok}>told </span>}
        {told.state === "waiting" && <span className={css.warn}>not yet </span>}
        {told.state === "given-up" && <strong className={css.bad}>could not be told </strong>}
        {told.state === null ? <span className={css.dim}>more than a day ago</span> : told.at !== null && <Time at={told.at} />}
        {told.error !== "" && <div className={css.small}>{told.error}</div>}
      </dd>
    </>
  );
}
