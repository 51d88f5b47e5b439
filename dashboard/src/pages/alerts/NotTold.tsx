// That somebody is not told of what stands: channels that do not get through, or none at all. Used on top of the pages
// Alerts and Alert, because alerts that reach nobody look just like quiet ones.
import type { ReactNode } from "react";
import type { Alert } from "../../data/alerting";
import { Link } from "../../routing/Link";
import css from "./alerts.module.css";
import { notTold } from "./not-told";
import { useChannels } from "./queries";

export function NotTold({ standing }: { standing: readonly Alert[] }): ReactNode {
  const channels = useChannels().data?.items;
  if (channels === undefined) return null;
  return notTold(channels, standing).map(({ loud, title, text, to, act }) => (
    <div key={title} role="status" className={css.banner} data-loud={loud || undefined}>
      <Sign />
      <strong>{title}</strong>
      <p>
        {text} <Link to={to}>{act}</Link>
      </p>
    </div>
  ));
}

/** Of warnings, beside their title. */
export function Sign(): ReactNode {
  return (
    <svg viewBox="0 0 16 16" width="20" height="20" aria-hidden="true">
      <path d="M8 1 15.5 14.5H.5zM7.2 6v4.2h1.6V6zm0 5.4v1.6h1.6v-1.6z" fillRule="evenodd" />
    </svg>
  );
}
