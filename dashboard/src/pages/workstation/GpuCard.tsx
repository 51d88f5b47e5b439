// GPUs that somebody has, in plain words: who, since when, and how busy they are. Used by the page of a workstation.
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { Quantity } from "../../components/Quantity";
import { Time } from "../../components/Time";
import type { Sample } from "../../data/node";
import { jobName } from "../../data/placed-job";
import { blockWords } from "../gpu/blocked";
import { originWords } from "../workloads/evidence";
import type { HeldGroup, Holder } from "./story";
import classes from "./WorkstationPage.module.css";

interface Props {
  readonly group: HeldGroup;
  /** How many GPUs the machine has. */
  readonly many: number;
  /** Null: nothing newer than half a minute. */
  readonly samples: readonly Sample[] | null;
}

export function GpuCard({ group, many, samples }: Props) {
  return (
    <li className={classes.card}>
      <div className={classes.what}>
        <Who holder={group.holder} />
      </div>
      <ul className={classes.gpus}>
        {group.gpus.map((gpu) => {
          const sample = samples?.find((one) => one.uuid === gpu.uuid) ?? null;
          return (
            <li key={gpu.uuid}>
              <Link to={paths.gpu(gpu.uuid)} title={gpu.model ?? "model unknown"}>
                {many === 1 ? (gpu.model ?? "The GPU") : `GPU ${gpu.index}`}
              </Link>
              <span>
                <Quantity value={sample?.utilization_percent ?? null} unit="percent" /> busy
              </span>
              <span>
                <Quantity value={sample?.memory_used_bytes ?? null} unit="bytes" />
              </span>
              <span>
                <Quantity value={sample?.temperature_celsius ?? null} unit="celsius" />
              </span>
            </li>
          );
        })}
      </ul>
    </li>
  );
}

function Who({ holder }: { readonly holder: Holder }) {
  switch (holder.kind) {
    case "free":
      return (
        <>
          <h3>Free</h3>
          <p>Whoever asks next gets it.</p>
        </>
      );
    case "unknown":
      return (
        <>
          <h3>Unknown</h3>
          <p>{holder.why}</p>
        </>
      );
    case "blocked":
      return (
        <>
          <h3>Not given to jobs: {blockWords(holder.word).word}</h3>
          <p>{holder.why}</p>
          <p className={classes.quiet}>{blockWords(holder.word).next}</p>
        </>
      );
    case "job":
      return holder.jobs.map((job) => (
        <div key={job.id} className={classes.what}>
          <h3>{job.owner}</h3>
          <p>
            runs <Link to={paths.job(job.id)}>{jobName(job)}</Link>
            {job.state === "LOST" && ", though nobody has heard of it lately"}
            {job.started_at !== null && (
              <>
                , begun <Time at={job.started_at} />
              </>
            )}
            {job.spec.time_limit !== null && `, for at most ${spanWords(job.spec.time_limit)}`}
          </p>
        </div>
      ));
    case "workload":
      return holder.workloads.map((one) => (
        <div key={one.id} className={classes.what}>
          <h3>{one.user ?? "Somebody unknown"}</h3>
          <p>
            {one.state === "idle" ? "holds its memory and computes nothing" : "runs"} {one.name} ({originWords(one.origin)}
            {one.managed === false && ", not queued"})
            {one.started_at !== null && (
              <>
                , begun <Time at={one.started_at} />
              </>
            )}
          </p>
          {one.managed === false && (
            <p className={classes.quiet}>Nobody asked the queue for it, so no job starts beside it until it ends.</p>
          )}
        </div>
      ));
  }
}

function spanWords(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} minutes`;
  const hours = Math.round(minutes / 6) / 10;
  return hours < 48 ? `${hours} hours` : `${Math.round(hours / 2.4) / 10} days`;
}
