// What on the fleet needs somebody, the most pressing first: nodes that are silent, GPUs that are ill or blocked, GPUs that
// are held and compute nothing, nodes that are drained. Pure; drawn by Attention.tsx.
import type { Fleet, FleetNode } from "../../data/fleet/fleet";
import type { StandingAlert } from "../../data/standing-alert";
import type { Workload } from "../../data/workload";
import { paths } from "../../routing/paths";
import { indicesText } from "../workloads/inventory";

export interface Concern {
  readonly key: string;
  readonly tone: "bad" | "warn" | "unknown";
  readonly word: string;
  /** What it is about. */
  readonly title: string;
  readonly to: string;
  /** Null: nobody says. */
  readonly why: string | null;
  /** Epoch milliseconds or RFC 3339; null: not known, or not told. */
  readonly since: number | string | null;
}

/** `alerts` and `workloads` undefined: not known yet; what only they tell is then not said. */
export function concernsOf(
  { at, nodes, gpus }: Pick<Fleet, "at" | "nodes" | "gpus">,
  alerts: readonly StandingAlert[] | undefined,
  workloads: readonly Workload[] | undefined,
): readonly Concern[] {
  const up = new Set(nodes.filter((node) => node.state === "up").map((node) => node.name));
  return [
    ...ill(nodes, gpus, alerts ?? [], "critical"),
    ...nodes.filter((node) => node.state === "silent").map(silent),
    ...blocked(nodes, gpus),
    ...ill(nodes, gpus, alerts ?? [], "warning"),
    ...(workloads ?? []).filter((one) => one.state === "idle" && up.has(one.node) && one.gpus?.length !== 0).sort(longest).map((one) => idle(one, at * 1000)),
    ...nodes.filter((node) => node.state === "up" && node.drained !== null).map(drained),
  ];
}

function silent(node: FleetNode): Concern {
  const many = node.gpus === null ? "its GPUs" : gpusInWords(node.gpus, "its ");
  return {
    key: `silent ${node.id}`,
    tone: "unknown",
    word: "silent",
    title: node.name,
    to: paths.node(node.name),
    why: `Not heard of: what runs on ${many} is unknown.`,
    since: node.seen_at === null ? null : node.seen_at * 1000,
  };
}

function drained(node: FleetNode): Concern {
  const { by = "", at = null, why = "" } = node.drained ?? {};
  return {
    key: `drained ${node.id}`,
    tone: "warn",
    word: "drained",
    title: node.name,
    to: paths.node(node.name),
    why: `No new job starts there${by === "" ? "" : `; ${by} closed it`}${why === "" ? "." : `: ${why}`}`,
    since: at,
  };
}

function ill(
  nodes: Fleet["nodes"],
  gpus: Fleet["gpus"],
  alerts: readonly StandingAlert[],
  severity: "critical" | "warning",
): readonly Concern[] {
  const found: Concern[] = [];
  for (let row = 0; row < gpus.health.length; row += 1) {
    const uuid = gpus.uuid[row];
    const node = nodes[gpus.node[row] ?? -1];
    // What stood against it before its node fell silent is not known to hold.
    if (gpus.health[row] !== severity || uuid === undefined || node?.state !== "up") continue;
    const said = alerts.find((one) => one.labels.uuid === uuid && one.severity === severity && one.state === "firing");
    found.push({
      key: `ill ${uuid}`,
      tone: severity === "critical" ? "bad" : "warn",
      word: severity,
      title: `${node.name} · GPU ${gpus.index[row] ?? "?"}`,
      to: paths.gpu(uuid),
      why: whyIll(said?.summary ?? null, gpus.state[row] === "blocked"),
      since: said?.started_at ?? null,
    });
  }
  return found;
}

function whyIll(summary: string | null, out: boolean): string | null {
  if (!out) return summary;
  return summary === null ? "No job starts on it." : `${summary}; no job starts on it`;
}

const BLOCKED = { unmanaged: "not queued", quarantined: "quarantined", leased: "lent on the node", unknown: "unclear" } as const;

/** GPUs of a node that are blocked for the same reason are one. What is ill is said by its illness, not again here. */
function blocked(nodes: Fleet["nodes"], gpus: Fleet["gpus"]): readonly Concern[] {
  const rows = new Map<string, number[]>();
  for (let row = 0; row < gpus.state.length; row += 1) {
    const health = gpus.health[row];
    if (gpus.state[row] !== "blocked" || health === "critical" || health === "warning") continue;
    const key = JSON.stringify([gpus.node[row], gpus.blocked[row], gpus.blocked_why[row]]);
    const same = rows.get(key);
    if (same === undefined) rows.set(key, [row]);
    else same.push(row);
  }
  return [...rows].map(([key, [first = 0, ...more]]) => {
    const all = [first, ...more];
    const node = nodes[gpus.node[first] ?? -1]?.name ?? "?";
    const which = indicesText(all.map((row) => gpus.index[row] ?? -1)) ?? "?";
    return {
      key: `blocked ${key}`,
      tone: "warn",
      word: BLOCKED[gpus.blocked[first] ?? "unknown"],
      title: `${node} · ${all.length === 1 ? "GPU" : "GPUs"} ${which}`,
      to: all.length === 1 ? paths.gpu(gpus.uuid[first] ?? "") : paths.node(node),
      why: gpus.blocked_why[first] ?? null,
      since: null,
    };
  });
}

function idle(one: Workload, now: number): Concern {
  const which = one.gpu_indices === null ? "GPUs unknown" : `${one.gpu_indices.length === 1 ? "GPU" : "GPUs"} ${indicesText(one.gpu_indices) ?? "?"}`;
  return {
    key: `idle ${one.node} ${one.id}`,
    tone: "warn",
    word: "idle",
    title: `${one.node} · ${which}`,
    to: `${paths.workloads}?node=${encodeURIComponent(one.node)}&open=${encodeURIComponent(one.id)}`,
    why: `${one.user ?? "Somebody unknown"} holds ${one.gpus?.length === 1 ? "it" : "them"} with ${one.name} and computes nothing.`,
    // A node whose clock goes ahead would have it begin in the future.
    since: one.idle_since === null || Date.parse(one.idle_since) > now ? null : one.idle_since,
  };
}

function longest(one: Workload, other: Workload): number {
  return (one.idle_since ?? "9").localeCompare(other.idle_since ?? "9");
}

function gpusInWords(count: number, whose: string): string {
  return count === 1 ? `${whose}GPU` : `${whose}${count} GPUs`;
}
