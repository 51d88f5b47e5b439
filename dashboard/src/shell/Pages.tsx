// Shows the page of the address; loads it when it is first asked for. Used by Shell.tsx.
import { type ComponentType, createElement, lazy, Suspense, useLayoutEffect } from "react";
import { Skeleton } from "../components/Skeleton";
import { useMe } from "../data/me";
import { FleetPage } from "../pages/fleet/FleetPage";
import { usePlace } from "../routing/location";
import { match } from "../routing/match";
import { Broken } from "./Broken";
import { NoSuchPage, NotForYou } from "./Missing";
import { fileOf, FILES, type Route, ROUTES } from "./routes";
import classes from "./Shell.module.css";

type PageComponent = ComponentType<Readonly<Record<string, string>>>;

// The first page that most people see is there with the shell; all it is made of is wanted by most others, too.
const FIRST = "fleet/FleetPage";

// Made once: a page of a new type at every drawing would forget its state.
const LAZY = new Map<Route, PageComponent>(
  ROUTES.map((route) => [route, route.page === FIRST ? FleetPage : lazy(() => load(route))]),
);

/** Begins to fetch the page of an address, before anything is drawn. Called by main.tsx; what fails here fails again, and
 *  is said, when the page is shown. */
export function fetchPage(path: string): void {
  const route = match(ROUTES, path)?.route;
  if (route !== undefined && route.page !== FIRST) load(route).catch(() => undefined);
}

async function load(route: Route): Promise<{ default: PageComponent }> {
  const found = await FILES[fileOf(route)]?.();
  const name = route.page.split("/")[1] ?? "";
  const page = found?.default ?? found?.[name];
  if (typeof page !== "function") throw new Error(`${route.page} exports no ${name}`);
  return { default: page as PageComponent };
}

export function Pages() {
  const { path } = usePlace();
  const me = useMe();
  const found = match(ROUTES, path);
  const title = found?.route.title;
  // Before the page's own effects: a page knows better what it is of.
  useLayoutEffect(() => {
    document.title = title === undefined ? "Sentinel" : `${title} · Sentinel`;
  }, [title, path]);
  const page = found === null ? undefined : LAZY.get(found.route);
  if (found === null || page === undefined) return <NoSuchPage path={path} />;
  const { needs } = found.route;
  if (needs !== undefined && !me.can(needs)) return <NotForYou title={found.route.title} me={me} needs={needs} />;
  return (
    <Broken key={path}>
      <Suspense
        fallback={
          <div className={classes.loading}>
            <Skeleton width={180} height={28} />
            <Skeleton height={480} />
          </div>
        }
      >
        {createElement(page, { key: path, ...found.parts })}
      </Suspense>
    </Broken>
  );
}
