// Shows the page of the address; loads it when it is first asked for. Used by Shell.tsx.
import { Component, type ComponentType, createElement, lazy, type ReactNode, Suspense, useEffect } from "react";
import { EmptyState } from "../components/EmptyState";
import { Skeleton } from "../components/Skeleton";
import { useMe } from "../data/me";
import { Link } from "../routing/Link";
import { usePlace } from "../routing/location";
import { match } from "../routing/match";
import { fileOf, FILES, type Route, ROUTES } from "./routes";
import classes from "./Shell.module.css";

type PageComponent = ComponentType<Readonly<Record<string, string>>>;

// Made once: a page of a new type at every drawing would forget its state.
const LAZY = new Map<Route, PageComponent>(ROUTES.map((route) => [route, lazy(() => load(route))]));

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
  useEffect(() => {
    document.title = title === undefined ? "Sentinel" : `${title} · Sentinel`;
  }, [title, path]);
  const page = found === null ? undefined : LAZY.get(found.route);
  if (found === null || page === undefined) {
    return (
      <EmptyState title="There is no such page">
        <Link to="/">The whole fleet</Link> is here.
      </EmptyState>
    );
  }
  if (found.route.needs !== undefined && !me.can(found.route.needs)) {
    return <EmptyState title="You may not do this">Your role is {me.role}. An admin can give you another one.</EmptyState>;
  }
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

/** What breaks in a page stays in that page. After an update of the controller, old files are gone: then a reload helps. */
class Broken extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return (
      <EmptyState
        icon="alert"
        title="This page could not be shown"
        action={<a href={window.location.href}>Load it anew</a>}
      >
        {this.state.error.message}. If it was open while the controller was updated, loading it anew helps.
      </EmptyState>
    );
  }
}
