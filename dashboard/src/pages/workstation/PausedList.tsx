// What would run were it not for something else. Used by the page of a workstation.
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { useNow } from "../../data/useNow";
import { since } from "./spans";
import type { PausedThing } from "./paused";
import classes from "./WorkstationPage.module.css";

export function PausedList({ things }: { readonly things: readonly PausedThing[] }) {
  const now = useNow(30_000);
  if (things.length === 0) {
    return <p className={classes.quiet}>Nothing is paused: whatever was begun here runs, or waits in the list below.</p>;
  }
  return (
    <ul className={classes.cards}>
      {things.map((one) => {
        const long = since(one.since, now);
        return (
          <li key={one.id} className={classes.card}>
            <div className={classes.what}>
              <h3>
                {one.job === null ? one.what : <Link to={paths.job(one.job)}>{one.what}</Link>}
                {one.owner !== null && ` of ${one.owner}`}
              </h3>
              <p>{one.why}</p>
            </div>
            {long !== null && <p className={classes.quiet}>paused for {long}</p>}
          </li>
        );
      })}
    </ul>
  );
}
