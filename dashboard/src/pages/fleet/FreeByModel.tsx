// How many GPUs of each model are free, and how many of them on one node. Used by FleetPage.tsx.
import { useMemo } from "react";
import { Panel } from "../../components/Page";
import { Unknown } from "../../components/Unknown";
import type { Fleet } from "../../data/fleet/fleet";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { freeByModel } from "./shares";
import classes from "./Side.module.css";

interface Props {
  readonly fleet: Fleet;
  readonly onChoose: (model: string) => void;
}

export function FreeByModel({ fleet: { nodes, gpus }, onChoose }: Props) {
  const { model, state, node } = gpus;
  const models = useMemo(() => freeByModel({ nodes, gpus: { model, state, node } }), [nodes, model, state, node]);
  const free = models.reduce((sum, one) => sum + one.free, 0);
  const lost = models.some((one) => one.unknown > 0);
  return (
    <Panel title={<h2 className={classes.title}>What is free<span className={classes.count}>{free}</span></h2>}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col" className={classes.number}>
              Free
            </th>
            {lost && (
              <th scope="col" className={classes.number} title="Nobody knows whether they are free: their node is not heard of">
                Unknown
              </th>
            )}
            <th scope="col" className={classes.number}>
              Of
            </th>
            <th scope="col" className={classes.number} title="The most that are free on one node">
              On one node
            </th>
          </tr>
        </thead>
        <tbody>
          {models.map((one) => (
            <tr key={one.model ?? ""} data-none={one.free === 0 || undefined}>
              <td className={classes.name}>
                {one.model === null ? (
                  <Unknown />
                ) : (
                  <button type="button" title={`Show only ${one.model}`} onClick={() => onChoose(one.model ?? "")}>
                    {one.model}
                  </button>
                )}
              </td>
              <td className={classes.number}>
                <b>{one.free}</b>
              </td>
              {lost && <td className={classes.number}>{one.unknown}</td>}
              <td className={classes.number}>{one.all}</td>
              <td className={classes.number}>{one.together}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {free === 0 && (
        <p className={classes.next}>
          Nothing is free. <Link to={paths.queue}>The queue</Link> says who waits, and for what.
        </p>
      )}
    </Panel>
  );
}
