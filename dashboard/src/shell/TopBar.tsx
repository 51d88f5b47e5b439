// The bar above every page: how the fleet fares in a line, the search, the colours, who is signed in. Used by Shell.tsx.
import { ActionIcon } from "@mantine/core";
import { Icon } from "../components/Icon";
import { Menu } from "../components/menu/Menu";
import { Refusal } from "../components/Refusal";
import { useMe } from "../data/me";
import { useSignOut } from "../data/session";
import { Link } from "../routing/Link";
import { go } from "../routing/location";
import { NEXT_CHOICE, useSchemeChoice } from "../theme/useScheme";
import { FleetLine } from "./FleetLine";
import classes from "./Shell.module.css";

interface Props {
  readonly menu: boolean;
  readonly onMenu: () => void;
  readonly onSearch: () => void;
}

const SCHEMES = { auto: ["scheme", "as the system has them"], light: ["sun", "light"], dark: ["moon", "dark"] } as const;

export function TopBar({ menu, onMenu, onSearch }: Props) {
  const me = useMe();
  const out = useSignOut();
  const [scheme, choose] = useSchemeChoice();
  const [icon, word] = SCHEMES[scheme];
  const colours = `Colours: ${word}. Next: ${SCHEMES[NEXT_CHOICE[scheme]][1]}`;
  return (
    <header className={classes.top}>
      <ActionIcon className={classes.menu ?? ""} aria-label="Pages" aria-expanded={menu} aria-controls="pages" onClick={onMenu}>
        <Icon name={menu ? "close" : "menu"} />
      </ActionIcon>
      <Link to="/" className={classes.brand} aria-label="Sentinel, the fleet">
        <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true">
          <path d="M3 3h4v4H3zM9 9h4v4H9z" />
          <path d="M9 3h4v4H9zM3 9h4v4H3z" opacity=".45" />
        </svg>
        <span>Sentinel</span>
      </Link>
      <FleetLine />
      <button type="button" className={classes.search} onClick={onSearch} aria-label="Find… (search and commands)" aria-keyshortcuts="/ Control+K">
        <Icon name="search" />
        <span>Find…</span>
        <kbd aria-hidden="true">/</kbd>
      </button>
      <ActionIcon aria-label={colours} title={colours} onClick={() => choose(NEXT_CHOICE[scheme])}>
        <Icon name={icon} />
      </ActionIcon>
      <Menu>
        <Menu.Target>
          <ActionIcon aria-label={`Signed in as ${me.user}`} title={`${me.user}, ${me.role}`}>
            <Icon name="user" />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>
            {me.user}, {me.role}
          </Menu.Label>
          {me.can("submit") && (
            <Menu.Item leftSection={<Icon name="play" />} onClick={() => go("/jobs?owner=me")}>
              My jobs
            </Menu.Item>
          )}
          <Menu.Item leftSection={<Icon name="settings" />} onClick={() => go("/settings")}>
            My tokens
          </Menu.Item>
          {/* It stays open: a refusal is shown in it. */}
          <Menu.Item leftSection={<Icon name="out" />} closeMenuOnClick={false} disabled={out.isPending} onClick={() => out.mutate()}>
            Sign out
          </Menu.Item>
          {out.error !== null && <Refusal error={out.error} />}
        </Menu.Dropdown>
      </Menu>
    </header>
  );
}
