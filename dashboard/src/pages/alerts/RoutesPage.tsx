// The page /alerts/routes: who is told of what, in which order, and what keeps what quiet. All of it is written at once.
import { Button } from "@mantine/core";
import { useState, type ReactNode } from "react";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { useMe } from "../../data/me";
import { Link } from "../../routing/Link";
import type { Inhibition, Route, Routes } from "../../data/alerting";
import css from "./alerts.module.css";
import { keep, kept } from "./draft-store";
import { Frame } from "./Frame";
import { InhibitionList } from "./InhibitionList";
import { change, useAlerts, useChange, useChannels, useRoutes } from "./queries";
import { RouteList } from "./RouteList";
import { NEW_ROUTE, shares, wrongInhibition, wrongRoute } from "./routing";
import { stands } from "./standing";
import { Unsaved } from "./Unsaved";

interface Draft {
  readonly routes: readonly Route[];
  readonly inhibitions: readonly Inhibition[];
}

export function RoutesPage(): ReactNode {
  const me = useMe();
  const may = me.can("operate");
  const asked = useRoutes();
  const channels = useChannels();
  const standing = useAlerts().data?.items.filter(stands);
  const place = `routes of ${me.user}`;
  const [begun, setBegun] = useState(() => kept<Draft>(place));
  const draft = may ? (begun?.draft ?? null) : null;
  const [open, setOpen] = useState<string | null>(null);
  const put = useChange((one: Draft) => change.putRoutes(one), "alert-routes", "alerts");
  const there = asked.data;
  if (there === undefined || channels.data === undefined) {
    const error = asked.error ?? channels.error;
    return (
      <Frame at="/alerts/routes" title="Routes">
        {error === null ? <Skeleton rows={6} /> : <Refusal error={error} />}
      </Frame>
    );
  }
  const names = channels.data.items.map((one) => one.name);
  const now = draft ?? written(there);
  const isDefault = now.routes.length === 0;
  const base = JSON.stringify(written(there));
  const begin = (next: Draft | null): void => {
    // Changed back to what is there: nothing is left to be saved.
    const found = next === null || JSON.stringify(next) === base ? null : { draft: next, base: begun?.base ?? base };
    setBegun(found);
    keep(place, found);
  };
  const set = (part: Partial<Draft>): void => begin({ ...now, ...part });
  const discard = (): void => {
    begin(null);
    setOpen(null);
    put.reset();
  };
  const wrong = [
    ...now.routes.map((one, place) => wrongRoute(one, place, now.routes, new Set(names))),
    ...now.inhibitions.map((one, place) => wrongInhibition(one, place, now.inhibitions)),
  ].filter((one) => one !== null);
  const add = (): void => {
    set({ routes: [...now.routes, { ...NEW_ROUTE, channels: names.slice(0, 1) }] });
    setOpen(`route ${now.routes.length}`);
  };
  const told = standing && !isDefault ? shares(standing, now.routes) : undefined;

  return (
    <Frame
      at="/alerts/routes"
      title="Routes"
      asked={asked}
      actions={
        may &&
        draft !== null && (
          <>
            {wrong.length > 0 && <span className={css.bad}>{wrong.length === 1 ? "One thing is" : `${wrong.length} things are`} wrong</span>}
            <Button
              disabled={wrong.length > 0}
              loading={put.isPending}
              onClick={() => put.mutate(draft, { onSuccess: discard })}
            >
              Save all of it
            </Button>
            <Button variant="default" onClick={discard}>
              Discard
            </Button>
          </>
        )
      }
    >
      {draft !== null && (
        <>
          <Unsaved what="the routes">
            Nothing of it is in force yet. It is kept here as a draft until this tab is closed.
          </Unsaved>
          <p className={css.unsaved} role="status">
            <strong>Not saved.</strong> What is below is your draft; what was saved last is in force.
            {begun !== null && begun.base !== base && (
              <span className={css.warn}> The routes were changed elsewhere meanwhile; saving replaces that.</span>
            )}
          </p>
        </>
      )}
      {put.error !== null && <Refusal error={put.error} />}
      <section className={css.stack} aria-labelledby="routes">
        <div className={css.head}>
          <h2 id="routes">Who is told of what</h2>
          {may && (
            <Button variant="default" disabled={names.length === 0} onClick={add}>
              New route
            </Button>
          )}
        </div>
        <p className={css.dim}>
          {!isDefault ? (
            "An alert takes the first route that it fits; where that one goes on, those after it are tried, too."
          ) : names.length > 0 ? (
            `No routes are written, so every channel hears of everything: ${names.join(", ")}.`
          ) : (
            <>
              Nobody is told of anything: there is no channel yet.{" "}
              {may ? <Link to="/alerts/channels?new=1">Add a channel</Link> : "An operator adds one"}
              {may ? "; routes then say what goes there." : "."}
            </>
          )}
        </p>
        {told !== undefined && told.nobody > 0 && (
          <p className={css.bad}>
            {told.nobody} of the {standing?.length} that stand now take no route: nobody would be told of them.
          </p>
        )}
        {!isDefault && (
          <RouteList
            routes={now.routes}
            channels={names}
            takes={told?.each}
            may={may}
            open={open}
            setOpen={setOpen}
            set={(routes) => set({ routes })}
          />
        )}
      </section>
      <InhibitionList
        own={now.inhibitions}
        shipped={there.shipped_inhibitions}
        may={may}
        open={open}
        setOpen={setOpen}
        set={(inhibitions) => set({ inhibitions })}
      />
    </Frame>
  );
}

/** What of it is written by people; the default route is not. */
function written(there: Routes): Draft {
  return { routes: there.default ? [] : there.routes, inhibitions: there.inhibitions };
}
