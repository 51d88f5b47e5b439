// Routes while they are being written: in which order, what is wrong, and who would take which. Pure.
// Used by the page Routes.

import type { Alert, Inhibition, Route } from "../../data/alerting";
import { factsOf, fits } from "./matching";

export const NEW_ROUTE: Route = {
  name: "", channels: [], matches: {}, group_by: ["rule"], group_wait: 0, group_interval: 60,
  repeat_interval: 4 * 3600, goes_on: false,
};

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/;

/** The list with the one at `from` at `to` instead. */
export function moved<T>(list: readonly T[], from: number, to: number): readonly T[] {
  const taken = list[from];
  if (taken === undefined || to < 0 || to >= list.length) return list;
  const rest = list.filter((_, place) => place !== from);
  return [...rest.slice(0, to), taken, ...rest.slice(to)];
}

export function replaced<T>(list: readonly T[], place: number, one: T): readonly T[] {
  return list.map((there, at) => (at === place ? one : there));
}

export function without<T>(list: readonly T[], place: number): readonly T[] {
  return list.filter((_, at) => at !== place);
}

/** The names of the routes that an alert takes, in order. None: nobody is told. */
export function taken(alert: Alert, routes: readonly Route[]): readonly string[] {
  const facts = factsOf(alert);
  const found: string[] = [];
  for (const route of routes) {
    if (!fits(route.matches, facts)) continue;
    found.push(route.name);
    if (!route.goes_on) break;
  }
  return found;
}

/** How many alerts each route takes, in order, and how many nobody would be told of. */
export function shares(alerts: readonly Alert[], routes: readonly Route[]): { each: readonly number[]; nobody: number } {
  const each = routes.map(() => 0);
  let nobody = 0;
  for (const alert of alerts) {
    const names = taken(alert, routes);
    if (names.length === 0) nobody += 1;
    routes.forEach((route, place) => {
      if (names.includes(route.name)) each[place] = (each[place] ?? 0) + 1;
    });
  }
  return { each, nobody };
}

/** What is wrong with a route, in a sentence; null: nothing. */
export function wrongRoute(route: Route, place: number, all: readonly Route[], channels: ReadonlySet<string>): string | null {
  if (!NAME.test(route.name)) return "Needs a name: letters, digits and _ . : - like urgent";
  if (all.some((other, at) => at < place && other.name === route.name)) return "Another route has that name";
  if (route.channels.length === 0) return "Leads nowhere: choose at least one channel";
  const missing = route.channels.find((name) => !channels.has(name));
  return missing === undefined ? null : `There is no channel ${missing} any more; choose another`;
}

/** A route after which nothing is tried, although there is more. */
export function hides(routes: readonly Route[], place: number): boolean {
  const route = routes[place];
  return route !== undefined && !route.goes_on && Object.keys(route.matches).length === 0 && place < routes.length - 1;
}

export function wrongInhibition(one: Inhibition, place: number, all: readonly Inhibition[]): string | null {
  if (!NAME.test(one.name)) return "Needs a name: letters, digits and _ . : - like rack-down";
  if (all.some((other, at) => at < place && other.name === one.name)) return "Another inhibition has that name";
  if (Object.keys(one.source).length === 0) return "Say what has to fire, like rule=rack-power";
  if (Object.keys(one.target).length === 0) return "Say what is then kept quiet, like rule=node-silent";
  return null;
}
