// Routes in their order, each to be opened and changed. Used by the page Routes.
import { ActionIcon, Button } from "@mantine/core";
import type { ReactNode } from "react";
import type { Route } from "../../data/alerting";
import css from "./alerts.module.css";
import { MatchesShown } from "./Labels";
import own from "./list.module.css";
import { RouteFields } from "./RouteFields";
import { hides, moved, replaced, without, wrongRoute } from "./routing";
import { saySpan } from "./span";

interface Props {
  readonly routes: readonly Route[];
  readonly channels: readonly string[];
  /** How many of those that stand now each one takes; undefined: not known. */
  readonly takes: readonly number[] | undefined;
  readonly may: boolean;
  readonly open: string | null;
  readonly setOpen: (key: string | null) => void;
  readonly set: (routes: readonly Route[]) => void;
}

export function RouteList({ routes, channels, takes, may, open, setOpen, set }: Props): ReactNode {
  const known = new Set(channels);
  const move = (from: number, to: number): void => {
    set(moved(routes, from, to));
    setOpen(null);
  };
  return (
    <ol className={own.list}>
      {routes.map((route, place) => {
        const key = `route ${place}`;
        const wrong = wrongRoute(route, place, routes, known);
        return (
          <li key={key} className={own.item}>
            <span className={own.place}>{place + 1}</span>
            <div className={own.main}>
              <div className={css.row}>
                <span className={own.name}>{route.name === "" ? "(no name yet)" : route.name}</span>
                <MatchesShown of={route.matches} none="all alerts" />
                <span className={css.dim}>→ {route.channels.join(", ") || "nowhere"}</span>
              </div>
              <p className={css.calm}>
                {sayTogether(route)} · {route.repeat_interval === 0 ? "no reminders" : `again after ${saySpan(route.repeat_interval)}`}
                {route.goes_on && " · goes on to those after it"}
                {takes !== undefined && ` · takes ${takes[place] ?? 0} of those that stand now`}
              </p>
              {wrong !== null && <p className={css.bad}>{wrong}</p>}
              {hides(routes, place) && (
                <p className={css.warn}>It takes everything, so nothing after it is ever tried. Move it down, or let it go on.</p>
              )}
              {open === key && (
                <RouteFields route={route} channels={channels} set={(one) => set(replaced(routes, place, one))} />
              )}
            </div>
            {may && (
              <div className={css.actions}>
                <ActionIcon
                  variant="default"
                  aria-label={`Move ${route.name} up`}
                  disabled={place === 0}
                  onClick={() => move(place, place - 1)}
                >
                  ↑
                </ActionIcon>
                <ActionIcon
                  variant="default"
                  aria-label={`Move ${route.name} down`}
                  disabled={place === routes.length - 1}
                  onClick={() => move(place, place + 1)}
                >
                  ↓
                </ActionIcon>
                <Button variant="default" size="compact-sm" aria-expanded={open === key} onClick={() => setOpen(open === key ? null : key)}>
                  {open === key ? "Close" : "Change"}
                </Button>
                <Button
                  variant="default"
                  size="compact-sm"
                  onClick={() => {
                    set(without(routes, place));
                    setOpen(null);
                  }}
                >
                  Remove
                </Button>
              </div>
            )}
          </li>
        );
      })}
    </ol>
  );
}

function sayTogether(route: Route): string {
  const by = route.group_by.length === 0 ? "all in one message" : `a message for each ${route.group_by.join(", ")}`;
  return route.group_wait > 0 ? `${by}, after ${saySpan(route.group_wait)}` : by;
}
