// Who waits for how much, has how much, and whose turn comes sooner: by fair share. Used by QueuePage.
import { useMemo, useState } from "react";
import { Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { Unknown } from "../../components/Unknown";
import { useMe } from "../../data/me";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { FairShare } from "../usage/FairShare";
import { sharesOf } from "../usage/shares";
import { useStandings } from "../usage/standings-store";
import type { Demand } from "./queue-order";
import classes from "./Side.module.css";

const FEW = 6;

interface Props {
  /** undefined: not there yet. */
  readonly demand: readonly Demand[] | undefined;
  readonly owner: string;
  readonly onOwner: (owner: string) => void;
}

export function WhoWaits({ demand, owner, onOwner }: Props) {
  const me = useMe();
  const standings = useStandings();
  const [open, setOpen] = useState(false);
  const shares = useMemo(
    () => new Map(sharesOf(standings.data ?? [], "user").map((one) => [one.standing.name, one])),
    [standings.data],
  );
  const shown = demand?.slice(0, open ? demand.length : FEW) ?? [];
  return (
    <Panel title="Who waits" flush actions={<Link to={paths.usage}>Quotas</Link>}>
      {standings.error !== null && <Refusal error={standings.error} />}
      {demand === undefined && <Skeleton rows={FEW + 2} />}
      {shown.length > 0 && (
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">User</th>
              <th scope="col" className={classes.number}>
                Jobs
              </th>
              <th scope="col" className={classes.number} title="GPUs that their waiting jobs ask for">
                Asks for
              </th>
              <th scope="col" className={classes.number} title="GPUs that they have now">
                Has
              </th>
              <th
                scope="col"
                className={classes.share}
                title="Their part of what all users had lately, of the part that is due: who had less comes first"
              >
                Had, of what is due
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((one) => {
              const share = shares.get(one.owner);
              return (
                <tr key={one.owner} data-chosen={one.owner === owner || undefined}>
                  <td>
                    <button
                      type="button"
                      className={classes.who}
                      aria-pressed={one.owner === owner}
                      onClick={() => onOwner(one.owner === owner ? "" : one.owner)}
                    >
                      {one.owner}
                    </button>
                    {one.owner === me.user && <span className={classes.quiet}> · you</span>}
                  </td>
                  <td className={classes.number}>{one.jobs}</td>
                  <td className={classes.number}>{Number(one.gpus.toFixed(2))}</td>
                  <td className={classes.number}>
                    {standings.data === undefined ? (
                      <Unknown why="not told yet" />
                    ) : (
                      Number((share?.standing.running_gpus ?? 0).toFixed(2))
                    )}
                  </td>
                  <td className={classes.share}>
                    {share === undefined ? <Unknown why="they have had no GPUs yet" /> : <FairShare share={share} />}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
      {demand?.length === 0 && <p className={classes.note}>Nobody waits for anything.</p>}
      {demand !== undefined && demand.length > FEW && (
        <p className={classes.more}>
          <button type="button" className={classes.who} aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? "Show fewer" : `Show all ${demand.length}`}
          </button>
        </p>
      )}
    </Panel>
  );
}
