// The state of a workload, by colour, shape and word. Used by the pages of workloads and nodes.
import { StatusBadge } from "../../components/StatusBadge";
import type { WorkloadState } from "../../data/workload";

const TONES: Readonly<Record<WorkloadState, "ok" | "warn" | "bad" | "unknown" | "info" | "quiet">> = {
  running: "ok",
  idle: "warn",
  paused: "info",
  restarting: "info",
  created: "info",
  exited: "quiet",
  unknown: "unknown",
};

export function WorkloadBadge({ state }: { readonly state: WorkloadState }) {
  return <StatusBadge status={TONES[state]}>{state}</StatusBadge>;
}
