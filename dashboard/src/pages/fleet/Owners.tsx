// Who has how many GPUs now, and how busy they are; a name can be pressed to see their GPUs alone. Used by FleetPage.tsx.
import { useMemo, useState } from "react";
import { ShowAll } from "../../components/ShowAll";
import { Panel } from "../../components/Page";
import { Quantity } from "../../components/Quantity";
import type { FleetGpus } from "../../data/fleet/fleet";
import { sharesOf } from "./shares";
import classes from "./Side.module.css";

const FEW = 8;

interface Props {
  readonly gpus: FleetGpus;
  /** Whose alone are shown; "": everybody's. */
  readonly chosen: string;
  readonly onChoose: (owner: string) => void;
}

export function Owners({ gpus: { owner, util }, chosen, onChoose }: Props) {
  const shares = useMemo(() => sharesOf({ owner, util }), [owner, util]);
  const [all, setAll] = useState(false);
  const most = shares[0]?.gpus ?? 1;
  return (
    <Panel title={<h2 className={classes.title}>Who has how much{shares.length > 0 && <span className={classes.count}>{shares.length}</span>}</h2>}>
      {shares.length === 0 ? (
        <p className={classes.quiet}>Nobody has a GPU.</p>
      ) : (
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">Owner</th>
              <th scope="col" colSpan={2} className={classes.number}>
                GPUs
              </th>
              <th scope="col" className={classes.number} title="The mean of their GPUs, as far as it is known">
                Busy
              </th>
            </tr>
          </thead>
          <tbody>
            {(all ? shares : shares.slice(0, FEW)).map((one) => (
              <tr key={one.owner}>
                <td className={classes.name}>
                  <button
                    type="button"
                    aria-pressed={one.owner === chosen}
                    title={one.owner === chosen ? "Show everybody's" : `Show only what ${one.owner} has`}
                    onClick={() => onChoose(one.owner === chosen ? "" : one.owner)}
                  >
                    {one.owner}
                  </button>
                </td>
                <td>
                  <svg className={classes.bar} width="72" height="8" aria-hidden="true">
                    <rect className={classes.ground} width="72" height="8" rx="1" />
                    <rect className={classes.fill} width={Math.max(2, (72 * one.gpus) / most)} height="8" rx="1" />
                  </svg>
                </td>
                <td className={classes.number}>{one.gpus}</td>
                <td className={classes.number}>
                  <Quantity value={one.busy} unit="percent" />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {shares.length > FEW && (
        <ShowAll onToggle={() => setAll(!all)}>
          {all ? "Show fewer" : `Show ${shares.length - FEW} more`}
        </ShowAll>
      )}
    </Panel>
  );
}
