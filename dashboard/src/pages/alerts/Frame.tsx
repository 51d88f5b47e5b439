// What every page of alerts has around it: the way to the others, and whether anybody looks. Used by them.
import type { UseQueryResult } from "@tanstack/react-query";
import { useEffect, useRef, type ReactNode } from "react";
import { Page } from "../../components/Page";
import { Time } from "../../components/Time";
import { useLink } from "../../data/link/link-store";
import { useNow } from "../../data/useNow";
import { Link } from "../../routing/Link";
import css from "./alerts.module.css";
import { Sign } from "./NotTold";
import { useAlerts } from "./queries";
import { counted } from "./standing";
import { watchSays } from "./watch-says";

const TABS = [
  ["/alerts", "Standing"],
  ["/alerts/rules", "Rules"],
  ["/alerts/silences", "Silences"],
  ["/alerts/channels", "Channels"],
  ["/alerts/routes", "Routes"],
  ["/alerts/deliveries", "Deliveries"],
] as const;

interface Props {
  readonly at: (typeof TABS)[number][0];
  readonly title: string;
  readonly actions?: ReactNode;
  /** What the page shows: when it was had is said once it is old. */
  readonly asked?: Pick<UseQueryResult, "data" | "error" | "dataUpdatedAt">;
  readonly children: ReactNode;
}

export function Frame({ at, title, actions, asked, children }: Props): ReactNode {
  const standing = useAlerts();
  const counts = standing.data && counted(standing.data.items);
  const loud = counts && counts.critical + counts.warning + counts.info;
  const link = useLink();
  const tabs = useRef<HTMLElement>(null);
  // On a phone the tabs are wider than the page: the one that is open is to be seen.
  useEffect(() => {
    const [row, open] = [tabs.current, tabs.current?.querySelector<HTMLElement>("[aria-current]")];
    if (row && open) row.scrollLeft = open.offsetLeft - row.offsetLeft - (row.clientWidth - open.offsetWidth) / 2;
  }, [at]);
  const stale = asked?.data !== undefined && (asked.error !== null || link.kind === "lost");
  return (
    <Page title={title} actions={actions} stale={stale} fetchedAt={stale ? asked.dataUpdatedAt : null}>
      <nav ref={tabs} className={css.tabs} aria-label="Alerts">
        {TABS.map(([path, name]) => (
          <Link key={path} to={path} className={css.tab} aria-current={path === at ? "page" : undefined}>
            {name}
            {path === "/alerts" && loud !== undefined && loud > 0 && <span className={css.count}>{loud}</span>}
          </Link>
        ))}
      </nav>
      <WatchBanner />
      {children}
    </Page>
  );
}

/** Without somebody who looks, an empty list says nothing; so that is said first, and loudly. */
function WatchBanner(): ReactNode {
  const { data, dataUpdatedAt } = useAlerts();
  const now = useNow();
  if (data === undefined) return null;
  const says = watchSays(data.watch, (now - dataUpdatedAt) / 1000);
  return says.warnings.map(({ loud, title, text }) => (
    <div key={title} role={loud ? "alert" : "status"} className={css.banner} data-loud={loud || undefined}>
      <Sign />
      <strong>{title}</strong>
      <p>
        {text}{" "}
        {data.watch !== null && (
          <>
            Last look: <Time at={data.watch.round_at} />.
          </>
        )}
      </p>
    </div>
  ));
}
