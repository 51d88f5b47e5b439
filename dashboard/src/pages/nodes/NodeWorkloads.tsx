// What a node sees on its GPUs, managed or not. Used by the page of a node; all of it is on the page of workloads.
import { Quantity } from "../../components/Quantity";
import { Skeleton } from "../../components/Skeleton";
import { Unknown } from "../../components/Unknown";
import type { Node } from "../../data/node";
import type { Workload } from "../../data/workload";
import { Link } from "../../routing/Link";
import { originWords } from "../workloads/evidence";
import { asKnown, indicesText } from "../workloads/inventory";
import { WorkloadBadge } from "../workloads/WorkloadBadge";
import classes from "../gpu/SmallTable.module.css";

interface Props {
  readonly node: Node;
  /** Undefined: not known yet. */
  readonly workloads: readonly Workload[] | undefined;
}

export function NodeWorkloads({ node, workloads }: Props) {
  if (workloads === undefined) return <Skeleton rows={4} />;
  if (workloads.length === 0) return <p>Nothing that is known of.</p>;
  return (
    <div className={classes.frame}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">Workload</th>
            <th scope="col">Owner</th>
            <th scope="col">Started by</th>
            <th scope="col">State</th>
            <th scope="col">GPUs</th>
            <th scope="col" className={classes.number}>
              GPU memory
            </th>
          </tr>
        </thead>
        <tbody>
          {asKnown(workloads, new Set(node.state === "up" ? [] : [node.name])).map((one) => (
            <tr key={one.id}>
              <td>
                <Link to={`/workloads?node=${encodeURIComponent(node.name)}&open=${encodeURIComponent(one.id)}`}>{one.name}</Link>
              </td>
              <td>{one.user ?? <Unknown />}</td>
              <td>{originWords(one.origin)}</td>
              <td>
                <WorkloadBadge state={one.state} />
              </td>
              <td>{indicesText(one.gpu_indices) ?? <Unknown />}</td>
              <td className={classes.number}>
                <Quantity value={one.gpu_memory_bytes} unit="bytes" />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
