// Tokens, users, and what this is. At /settings?tab=…
import { Tabs } from "@mantine/core";
import { Page } from "../../components/Page";
import { useMe } from "../../data/me";
import { oneOf } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import { About } from "./About";
import { TokensTab } from "./TokensTab";
import { UsersTab } from "./UsersTab";

const TABS = ["tokens", "users", "about"] as const;
const FIELDS = { tab: oneOf(TABS, "tokens") };

export default function SettingsPage() {
  const me = useMe();
  const [view, setView] = useUrlState(FIELDS);
  const rules = me.can("administer");
  const tab = view.tab === "users" && !rules ? "tokens" : view.tab;
  return (
    <Page title="Settings">
      <Tabs
        value={tab}
        onChange={(chosen) => setView({ tab: TABS.find((one) => one === chosen) ?? "tokens" }, { step: true })}
        keepMounted={false}
      >
        <Tabs.List>
          <Tabs.Tab value="tokens">Tokens</Tabs.Tab>
          {rules && <Tabs.Tab value="users">Users</Tabs.Tab>}
          <Tabs.Tab value="about">About</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="tokens" pt="md">
          <TokensTab />
        </Tabs.Panel>
        {rules && (
          <Tabs.Panel value="users" pt="md">
            <UsersTab />
          </Tabs.Panel>
        )}
        <Tabs.Panel value="about" pt="md">
          <About />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
