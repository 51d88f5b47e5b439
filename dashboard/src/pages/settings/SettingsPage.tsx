// Tokens, users, and what this is. At /settings?tab=…
import { Page } from "../../components/Page";
import { useMe } from "../../data/me";
import { oneOf } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import { About } from "./About";
import { TabRow } from "./TabRow";
import { TokensTab } from "./TokensTab";
import { UsersTab } from "./UsersTab";

const TABS = [
  ["tokens", "Tokens"],
  ["users", "Users"],
  ["about", "About"],
] as const;
const FIELDS = { tab: oneOf(["tokens", "users", "about"] as const, "tokens") };

export default function SettingsPage() {
  const me = useMe();
  const [view, setView] = useUrlState(FIELDS);
  const rules = me.can("administer");
  const tab = view.tab === "users" && !rules ? "tokens" : view.tab;
  return (
    <Page title="Settings">
      <TabRow
        label="Settings"
        tabs={TABS.filter(([value]) => rules || value !== "users")}
        open={tab}
        onOpen={(chosen) => setView({ tab: chosen }, { step: true })}
      >
        {tab === "tokens" && <TokensTab />}
        {tab === "users" && <UsersTab />}
        {tab === "about" && <About />}
      </TabRow>
    </Page>
  );
}
