// The GPUs of a node: who has each, what each measures, and what is wrong with it. Used by the page of a node.
import { Quantity } from "../../components/Quantity";
import { Skeleton } from "../../components/Skeleton";
import { StatusBadge, StatusMark } from "../../components/StatusBadge";
import type { Node } from "../../data/node";
import { jobName } from "../../data/placed-job";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { blockWords } from "../gpu/blocked";
import type { Finding } from "../gpu/findings";
import { Meter } from "../gpu/Meter";
import classes from "../gpu/SmallTable.module.css";
import { MARKS } from "../workstation/holder-mark";
import type { GpuStory, Holder } from "../workstation/story";

interface Props {
  /** Undefined: not known yet. Null: the node has not told which GPUs it has. */
  readonly stories: readonly GpuStory[] | null | undefined;
  readonly node: Node;
  readonly findings: readonly Finding[];
}

export function GpuTable({ stories, node, findings }: Props) {
  if (stories === undefined) return <Skeleton rows={(node.gpus?.length ?? 8) + 1} />;
  if (stories === null) return <p>It has not told yet which GPUs it has. Does its driver run? On it: nvidia-smi</p>;
  if (stories.length === 0) return <p>It has no GPU.</p>;
  const samples = new Map((node.samples ?? []).map((one) => [one.uuid, one]));
  // Where all are of one model, it is said once above.
  const mixed = new Set(stories.map(({ gpu }) => gpu.model)).size > 1;
  return (
    <div className={classes.frame}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col">GPU</th>
            <th scope="col">With</th>
            <th scope="col" className={classes.number}>
              Busy
            </th>
            <th scope="col" className={classes.number}>
              Memory
            </th>
            <th scope="col" className={classes.number}>
              Temperature
            </th>
            <th scope="col" className={classes.number}>
              Power
            </th>
            {mixed && <th scope="col">Model</th>}
          </tr>
        </thead>
        <tbody>
          {stories.map(({ gpu, holder }) => {
            const sample = samples.get(gpu.uuid);
            const worst = findings.find((one) => one.uuid === gpu.uuid && one.certain);
            const [busy, used] = [sample?.utilization_percent ?? null, sample?.memory_used_bytes ?? null];
            return (
              <tr key={gpu.uuid}>
                <td>
                  <span className={classes.name}>
                    <Link to={paths.gpu(gpu.uuid)}>GPU {gpu.index}</Link>
                    {worst !== undefined && (
                      <span title={worst.title}>
                        <StatusBadge status={TONE[worst.severity]}>{worst.severity}</StatusBadge>
                      </span>
                    )}
                  </span>
                </td>
                <td className={classes.wide}>
                  <span className={classes.name}>
                    <StatusMark status={MARKS[holder.kind]} />
                    <span>
                      <With holder={holder} closed={node.drained !== null} />
                      {gpu.blocked?.kind === "quarantined" && holder.kind !== "blocked" && (
                        <span className={classes.out}> · quarantined: {gpu.blocked.why}</span>
                      )}
                    </span>
                  </span>
                </td>
                <td className={classes.number}>
                  <span className={classes.measure}>
                    <Meter part={busy === null ? null : busy / 100} />
                    <span className={classes.short}>
                      <Quantity value={busy} unit="percent" />
                    </span>
                  </span>
                </td>
                <td className={classes.number}>
                  <span className={classes.measure}>
                    <Meter part={used === null || gpu.memory_total_bytes === null ? null : used / gpu.memory_total_bytes} />
                    <span className={classes.long}>
                      <Quantity value={used} unit="bytes" />
                      <span className={classes.of}>
                        {" of "}
                        <Quantity value={gpu.memory_total_bytes} unit="bytes" />
                      </span>
                    </span>
                  </span>
                </td>
                <td className={classes.number}>
                  <Quantity value={sample?.temperature_celsius ?? null} unit="celsius" />
                </td>
                <td className={classes.number}>
                  <Quantity value={sample?.power_watts ?? null} unit="watts" />
                </td>
                {mixed && <td>{gpu.model ?? "unknown"}</td>}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

const TONE = { critical: "bad", warning: "warn", info: "info" } as const;
/** `closed`: no new job starts on the node. */
function With({ holder, closed }: { readonly holder: Holder; readonly closed: boolean }) {
  switch (holder.kind) {
    case "free":
      return closed ? "free, closed for jobs" : "free";
    case "unknown":
      return (
        <>
          unknown: <span className={classes.of}>{holder.why}</span>
        </>
      );
    case "blocked":
      return (
        <>
          {blockWords(holder.word).word}: <span className={classes.of}>{holder.why}</span>
        </>
      );
    case "job":
      return holder.jobs.map((job, nth) => (
        <span key={job.id}>
          {nth > 0 && ", "}
          {job.owner}: <Link to={paths.job(job.id)}>{jobName(job)}</Link>
        </span>
      ));
    case "lent":
      return `${[...new Set(holder.lent.map((one) => one.user))].join(", ")}, on the machine itself`;
    case "service":
      return `${holder.services.map((one) => one.name).join(", ")}, which makes room for jobs`;
    case "workload":
      return holder.workloads.map((one) => `${one.user ?? "unknown"}: ${one.name}, not queued`).join("; ");
  }
}
