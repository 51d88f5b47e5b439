// The columns of the table of workloads. Used by the page of workloads.
import { Quantity } from "../../components/Quantity";
import { StatusBadge } from "../../components/StatusBadge";
import type { Column } from "../../components/table/columns";
import { Time } from "../../components/Time";
import { Unknown } from "../../components/Unknown";
import type { Workload } from "../../data/workload";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { originWords } from "./evidence";
import { indicesText, isStray } from "./inventory";
import { WorkloadBadge } from "./WorkloadBadge";

export const columns: readonly Column<Workload>[] = [
  { id: "name", head: "Workload", value: (one) => one.name, width: "grow" },
  { id: "owner", head: "Owner", value: (one) => one.user },
  {
    id: "state",
    head: "State",
    value: (one) => one.state,
    cell: (one) => <WorkloadBadge state={one.state} />,
  },
  { id: "origin", head: "Origin", hint: "How it was started", value: (one) => originWords(one.origin) },
  {
    id: "queued",
    head: "Queued",
    hint: "Whether it came through a queue, or beside it",
    value: (one) => (isStray(one) ? "no" : one.managed === true ? "yes" : null),
    cell: (one) => (isStray(one) ? <StatusBadge status="warn">no</StatusBadge> : one.managed === true ? "yes" : <Unknown />),
  },
  {
    id: "node",
    head: "Node",
    value: (one) => one.node,
    cell: (one) => <Link to={paths.node(one.node)}>{one.node}</Link>,
  },
  { id: "gpus", head: "GPUs", value: (one) => indicesText(one.gpu_indices) },
  {
    id: "memory",
    head: "GPU memory",
    value: (one) => one.gpu_memory_bytes,
    cell: (one) => <Quantity value={one.gpu_memory_bytes} unit="bytes" />,
    numeric: true,
  },
  {
    id: "busy",
    head: "Busy",
    value: (one) => one.gpu_utilization_percent,
    cell: (one) => <Quantity value={one.gpu_utilization_percent} unit="percent" />,
    numeric: true,
  },
  { id: "started", head: "Started", value: (one) => one.started_at, cell: (one) => <Time at={one.started_at} /> },
  { id: "image", head: "Image", value: (one) => one.image, off: true },
  { id: "pid", head: "Process", value: (one) => one.pid, numeric: true, off: true },
];
