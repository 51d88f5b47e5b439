// For addresses that show nothing: that there is no such page, or that it is not for this role. Used by Pages.tsx.
import { EmptyState } from "../components/EmptyState";
import { Page } from "../components/Page";
import type { Action, Me } from "../data/me";
import { Link } from "../routing/Link";

/** The least role that may, as the controller's table of permissions has it. */
const LEAST: Readonly<Record<Action, string>> = {
  read: "viewer",
  submit: "member",
  "control-own": "member",
  "tokens-own": "member",
  "control-any": "operator",
  operate: "operator",
  administer: "admin",
};

export function NoSuchPage({ path }: { readonly path: string }) {
  return (
    <Page title="No such page">
      <EmptyState icon="search" title="Nothing is at this address">
        <code>{path}</code> is no page of this controller. Go to <Link to="/">the fleet</Link>, or press <kbd>/</kbd> to search.
      </EmptyState>
    </Page>
  );
}

export function NotForYou({ title, me, needs }: { readonly title: string; readonly me: Me; readonly needs: Action }) {
  return (
    <Page title={title}>
      <EmptyState icon="user" title={`This page needs the role ${LEAST[needs]}`}>
        You are signed in as {me.user}, and your role is {me.role}. An admin can give you another one.
      </EmptyState>
    </Page>
  );
}
