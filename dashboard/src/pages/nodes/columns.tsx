// The columns of the table of nodes. Used by the page of nodes.
import { Quantity } from "../../components/Quantity";
import type { Column } from "../../components/table/columns";
import { Time } from "../../components/Time";
import type { Node } from "../../data/node";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { FreeOf, GpuBars } from "./GpuBars";
import { barsOf, freeCount, modelsOf, type Bar } from "./gpu-bars";
import { NodeMenu } from "./NodeMenu";
import { NodeState } from "./NodeState";
import { wordOf } from "./node-state";

export interface NodeRow {
  readonly node: Node;
  readonly bars: readonly Bar[] | null;
  readonly models: string;
}

/** `leases` undefined: who has what is not known yet. */
export function rowsOf(nodes: readonly Node[], leases: readonly { readonly gpus: readonly string[] }[] | undefined) {
  const held = leases === undefined ? null : new Set(leases.flatMap((lease) => lease.gpus));
  return nodes.map((node): NodeRow => ({ node, bars: barsOf(node, held), models: modelsOf(node) }));
}

export const columns: readonly Column<NodeRow>[] = [
  {
    id: "name",
    head: "Node",
    value: ({ node }) => node.name,
    cell: ({ node }) => <Link to={paths.node(node.name)}>{node.name}</Link>,
  },
  { id: "state", head: "State", value: ({ node }) => wordOf(node), cell: ({ node }) => <NodeState node={node} /> },
  {
    id: "gpus",
    head: "GPUs",
    hint: "Height: utilisation. Filled: a job's. Outlined: free. Striped: blocked. Dashed: unknown",
    value: ({ bars }) => bars?.length ?? null,
    cell: ({ bars }) => <GpuBars bars={bars} />,
  },
  {
    id: "free",
    head: "Free",
    hint: "GPUs that a job could get",
    value: ({ bars }) => freeCount(bars),
    cell: ({ bars }) => <FreeOf bars={bars} />,
    numeric: true,
  },
  { id: "models", head: "Models", value: ({ models }) => models, width: "grow" },
  { id: "jobs", head: "Jobs", hint: "Jobs that hold GPUs there", value: ({ node }) => node.jobs.length, numeric: true },
  {
    id: "strays",
    head: "Not queued",
    hint: "What uses its GPUs though nobody asked the queue",
    value: ({ node }) => node.strays.length,
    cell: ({ node }) =>
      node.strays.length === 0 ? 0 : <Link to={`${paths.workloads}?node=${encodeURIComponent(node.name)}&strays=1`}>{node.strays.length}</Link>,
    numeric: true,
  },
  {
    id: "seen",
    head: "Last seen",
    value: ({ node }) => node.last_seen_at,
    cell: ({ node }) => <Time at={node.last_seen_at} />,
  },
  { id: "cpus", head: "CPUs", value: ({ node }) => node.cpus, numeric: true, off: true },
  {
    id: "memory",
    head: "Memory",
    value: ({ node }) => node.memory_bytes,
    cell: ({ node }) => <Quantity value={node.memory_bytes} unit="bytes" />,
    numeric: true,
    off: true,
  },
  { id: "agent", head: "Agent", value: ({ node }) => node.agent_version, off: true },
  { id: "actions", head: "", value: () => null, cell: ({ node }) => <NodeMenu node={node} compact /> },
];
