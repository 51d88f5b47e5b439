// The pages, in groups. Used by Shell.tsx.
import { Icon } from "../components/Icon";
import { useMe } from "../data/me";
import { Link } from "../routing/Link";
import { usePlace } from "../routing/location";
import { ROUTES } from "./routes";
import classes from "./Shell.module.css";

const GROUPS = ["Now", "Work", "Watch", "Site"] as const;

export function Navigation() {
  const { path } = usePlace();
  const me = useMe();
  return (
    <nav id="pages" className={classes.side} aria-label="Pages">
      {GROUPS.map((group) => {
        const routes = ROUTES.filter(({ nav, needs }) => nav?.group === group && (needs === undefined || me.can(needs)));
        if (routes.length === 0) return null;
        return (
          <section key={group}>
            <h2>{group}</h2>
            <ul>
              {routes.map((route) => (
                <li key={route.path}>
                  <Link to={route.path} aria-current={within(path, route.path) ? "page" : undefined}>
                    {route.nav !== undefined && <Icon name={route.nav.icon} />}
                    {route.title}
                  </Link>
                </li>
              ))}
            </ul>
          </section>
        );
      })}
    </nav>
  );
}

function within(path: string, route: string): boolean {
  if (route === "/") return path === "/" || path.startsWith("/gpus/");
  return path === route || path.startsWith(`${route}/`);
}
