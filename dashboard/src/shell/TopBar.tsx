// The bar above every page: how the fleet fares in a line, the search, who is signed in. Used by Shell.tsx.
import { ActionIcon, Menu } from "@mantine/core";
import { Icon } from "../components/Icon";
import { Refusal } from "../components/Refusal";
import { useMe } from "../data/me";
import { useSignOut } from "../data/session";
import { Link } from "../routing/Link";
import { NEXT_CHOICE, useSchemeChoice } from "../theme/useScheme";
import { FleetLine } from "./FleetLine";
import classes from "./Shell.module.css";

interface Props {
  readonly menu: boolean;
  readonly onMenu: () => void;
  readonly onSearch: () => void;
}

const SCHEMES = { auto: ["scheme", "as the system"], light: ["sun", "light"], dark: ["moon", "dark"] } as const;

export function TopBar({ menu, onMenu, onSearch }: Props) {
  const me = useMe();
  const out = useSignOut();
  const [scheme, choose] = useSchemeChoice();
  const [icon, word] = SCHEMES[scheme];
  return (
    <header className={classes.top}>
      <ActionIcon className={classes.menu ?? ""} variant="subtle" color="gray" size={32} aria-label="Pages" aria-expanded={menu} onClick={onMenu}>
        <Icon name={menu ? "close" : "menu"} />
      </ActionIcon>
      <Link to="/" className={classes.brand}>
        <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true">
          <path d="M3 3h4v4H3zM9 9h4v4H9z" />
          <path d="M9 3h4v4H9zM3 9h4v4H3z" opacity=".45" />
        </svg>
        <span>Sentinel</span>
      </Link>
      <FleetLine />
      <button type="button" className={classes.search} onClick={onSearch} aria-label="Search and commands">
        <Icon name="search" />
        <span>Find…</span>
        <kbd>/</kbd>
      </button>
      <ActionIcon variant="subtle" color="gray" size={32} aria-label={`Colours: ${word}`} title={`Colours: ${word}`} onClick={() => choose(NEXT_CHOICE[scheme])}>
        <Icon name={icon} />
      </ActionIcon>
      <Menu position="bottom-end" transitionProps={{ duration: 0 }}>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" size={32} aria-label={`Signed in as ${me.user}`} title={me.user}>
            <Icon name="user" />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>
            {me.user}, {me.role}
          </Menu.Label>
          <Menu.Item leftSection={<Icon name="out" />} onClick={() => out.mutate()}>
            Sign out
          </Menu.Item>
          {out.error !== null && <Refusal error={out.error} />}
        </Menu.Dropdown>
      </Menu>
    </header>
  );
}
