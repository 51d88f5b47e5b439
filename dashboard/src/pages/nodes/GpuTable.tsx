// The GPUs of a node: who has each, and what each measures. Used by the page of a node.
import { Quantity } from "../../components/Quantity";
import { Skeleton } from "../../components/Skeleton";
import type { Node } from "../../data/node";
import { jobName } from "../../data/placed-job";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { blockWords } from "../gpu/blocked";
import type { GpuStory, Holder } from "../workstation/story";
import classes from "../gpu/SmallTable.module.css";

interface Props {
  /** Undefined: not known yet. Null: the node has not told which GPUs it has. */
  readonly stories: readonly GpuStory[] | null | undefined;
  readonly node: Node;
}

export function GpuTable({ stories, node }: Props) {
  if (stories === undefined) return <Skeleton rows={8} />;
  if (stories === null) return <p>It has not told yet which GPUs it has. Does its driver run? On it: nvidia-smi</p>;
  if (stories.length === 0) return <p>It has no GPU.</p>;
  const samples = new Map((node.samples ?? []).map((one) => [one.uuid, one]));
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
            <th scope="col">Model</th>
          </tr>
        </thead>
        <tbody>
          {stories.map(({ gpu, holder }) => {
            const sample = samples.get(gpu.uuid);
            return (
              <tr key={gpu.uuid}>
                <td>
                  <Link to={paths.gpu(gpu.uuid)}>GPU {gpu.index}</Link>
                </td>
                <td className={classes.wide}>
                  <With holder={holder} />
                </td>
                <td className={classes.number}>
                  <Quantity value={sample?.utilization_percent ?? null} unit="percent" />
                </td>
                <td className={classes.number}>
                  <Quantity value={sample?.memory_used_bytes ?? null} unit="bytes" />
                </td>
                <td className={classes.number}>
                  <Quantity value={sample?.temperature_celsius ?? null} unit="celsius" />
                </td>
                <td className={classes.number}>
                  <Quantity value={sample?.power_watts ?? null} unit="watts" />
                </td>
                <td>{gpu.model ?? "unknown"}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function With({ holder }: { readonly holder: Holder }) {
  switch (holder.kind) {
    case "free":
      return "free";
    case "unknown":
      return <span title={holder.why}>unknown</span>;
    case "blocked":
      return <span title={holder.why}>{blockWords(holder.word).word}</span>;
    case "job":
      return holder.jobs.map((job, nth) => (
        <span key={job.id}>
          {nth > 0 && ", "}
          {job.owner}: <Link to={paths.job(job.id)}>{jobName(job)}</Link>
        </span>
      ));
    case "workload":
      return holder.workloads.map((one) => `${one.user ?? "unknown"}: ${one.name}, not queued`).join("; ");
  }
}
