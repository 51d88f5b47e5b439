// What breaks in a page stays in that page, and says what to do. Used by Pages.tsx.
import { Button } from "@mantine/core";
import { Component, type ReactNode, useEffect } from "react";
import { EmptyState } from "../components/EmptyState";
import { Page } from "../components/Page";
import { currentLink, useLink } from "../data/link/link-store";
import { Link } from "../routing/Link";
import { cureOf } from "./broken";

const KEY = "sentinel.reloaded";

interface State {
  readonly error: Error | null;
  readonly lost: boolean;
}

export class Broken extends Component<{ readonly children: ReactNode }, State> {
  override state: State = { error: null, lost: false };

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)), lost: currentLink().kind === "lost" };
  }

  override componentDidCatch(error: unknown) {
    const message = error instanceof Error ? error.message : String(error);
    const now = Date.now();
    try {
      const reloadedAt = Number(sessionStorage.getItem(KEY) ?? Number.NaN);
      const cure = cureOf(message, { lost: currentLink().kind === "lost", reloadedAt: Number.isNaN(reloadedAt) ? null : reloadedAt, now });
      if (cure !== "reload") return;
      sessionStorage.setItem(KEY, String(now));
      window.location.reload();
    } catch {
      // Where nothing may be kept, nothing says that it was not tried before: the reader decides.
    }
  }

  override render() {
    const { error, lost } = this.state;
    if (error === null) return this.props.children;
    return (
      <Page title={lost ? "Not loaded yet" : "This page broke"}>
        <EmptyState icon="alert" title="It could not be shown" action={<Button onClick={() => window.location.reload()}>Reload</Button>}>
          {lost ? (
            <Waiting />
          ) : (
            <>
              Reload it. If it breaks again, <Link to="/">the other pages</Link> still work; tell an admin what it says:{" "}
              <code>{error.message}</code>
            </>
          )}
        </EmptyState>
      </Page>
    );
  }
}

/** Loads the page once the controller answers again. */
function Waiting() {
  const up = useLink().kind === "up";
  useEffect(() => {
    if (up) window.location.reload();
  }, [up]);
  return "The controller does not answer, and this page was not open before. It is loaded once the controller answers.";
}
