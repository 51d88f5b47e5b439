// What would run were it not for something else. Used by the page of a workstation.
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { Time } from "../../components/Time";
import type { PausedThing } from "./story";
import classes from "./WorkstationPage.module.css";

export function PausedList({ things }: { readonly things: readonly PausedThing[] }) {
  if (things.length === 0) return <p className={classes.quiet}>Nothing is paused.</p>;
  return (
    <ul className={classes.cards}>
      {things.map((one) => (
        <li key={one.id} className={classes.card}>
          <div className={classes.what}>
            <h3>
              {one.job === null ? one.what : <Link to={paths.job(one.job)}>{one.what}</Link>}
              {one.owner !== null && ` of ${one.owner}`}
            </h3>
            <p>{one.why}</p>
          </div>
          {one.since !== null && (
            <p className={classes.quiet}>
              <Time at={one.since} />
            </p>
          )}
        </li>
      ))}
    </ul>
  );
}
