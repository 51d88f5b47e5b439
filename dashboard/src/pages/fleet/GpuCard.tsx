// What is known of a GPU, beside the pointer. Used by FleetPage.tsx.
import { Quantity } from "../../components/Quantity";
import { StatusBadge } from "../../components/StatusBadge";
import { Unknown } from "../../components/Unknown";
import type { Fleet } from "../../data/fleet/fleet";
import classes from "./FleetPage.module.css";

const STATES = { free: ["ok", "free"], leased: ["busy", "in use"], blocked: ["warn", "blocked"], unknown: ["unknown", "unknown"] } as const;
const HEALTH = { critical: "bad", warning: "warn", info: "info" } as const;

export function GpuCard({ fleet: { nodes, gpus }, row }: { readonly fleet: Fleet; readonly row: number }) {
  const state = gpus.state[row] ?? "unknown";
  const health = gpus.health[row] ?? null;
  const [status, word] = STATES[state];
  return (
    <>
      <div className={classes.cardHead}>
        <strong>
          {nodes[gpus.node[row] ?? -1]?.name ?? "?"} · GPU {gpus.index[row] ?? "?"}
        </strong>
        <StatusBadge status={status}>{word}</StatusBadge>
        {health !== null && <StatusBadge status={HEALTH[health]}>{health}</StatusBadge>}
      </div>
      <dl className={classes.facts}>
        <dt>Model</dt>
        <dd>{gpus.model[row] ?? <Unknown />}</dd>
        <dt>Busy</dt>
        <dd>
          <Quantity value={gpus.util[row] ?? null} unit="percent" />
        </dd>
        <dt>Memory</dt>
        <dd>
          <Quantity value={gpus.memory_used[row] ?? null} unit="bytes" /> of <Quantity value={gpus.memory_total[row] ?? null} unit="bytes" />
        </dd>
        <dt>Temperature</dt>
        <dd>
          <Quantity value={gpus.temperature[row] ?? null} unit="celsius" />
        </dd>
        <dt>Power</dt>
        <dd>
          <Quantity value={gpus.power[row] ?? null} unit="watts" />
        </dd>
        <dt>Owner</dt>
        <dd>{gpus.owner[row] ?? (state === "free" ? "nobody" : <Unknown />)}</dd>
        {gpus.job[row] !== null && gpus.job[row] !== undefined && (
          <>
            <dt>Job</dt>
            <dd>
              {gpus.job[row]}
              {(gpus.jobs[row] ?? 0) > 1 && ` and ${(gpus.jobs[row] ?? 0) - 1} more`}
            </dd>
          </>
        )}
      </dl>
      {gpus.blocked_why[row] !== null && <p className={classes.why}>{gpus.blocked_why[row]}</p>}
    </>
  );
}
