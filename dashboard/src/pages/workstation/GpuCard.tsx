// GPUs that somebody has, in plain words: who, since when, and how busy they are. Used by the page of a workstation.
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { Quantity } from "../../components/Quantity";
import { StatusMark } from "../../components/StatusBadge";
import { useNow } from "../../data/useNow";
import type { Sample } from "../../data/node";
import { jobName } from "../../data/placed-job";
import { blockWords } from "../gpu/blocked";
import { Meter } from "../gpu/Meter";
import { originWords } from "../workloads/evidence";
import { MARKS } from "./holder-mark";
import { ended, sentence } from "./outlook";
import { since, spanWords } from "./spans";
import { type HeldGroup, type Holder, takenOut } from "./story";
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
      <div className={classes.held}>
        <span className={classes.mark}>
          <StatusMark status={MARKS[group.holder.kind]} />
        </span>
        <div className={classes.what}>
          <Who holder={group.holder} />
          {takenOut(group).map((gpu) => (
            <p key={gpu.uuid} className={classes.out}>
              {many === 1 ? "It" : `GPU ${gpu.index}`} is quarantined, so no new job starts on it: {ended(gpu.blocked?.why ?? "")}
            </p>
          ))}
        </div>
      </div>
      <ul className={classes.gpus}>
        {group.gpus.map((gpu) => {
          const sample = samples?.find((one) => one.uuid === gpu.uuid) ?? null;
          const busy = sample?.utilization_percent ?? null;
          return (
            <li key={gpu.uuid}>
              <Link to={paths.gpu(gpu.uuid)} title={gpu.model ?? "model unknown"}>
                {many === 1 ? (gpu.model ?? "The GPU") : `GPU ${gpu.index}`}
              </Link>
              <Meter part={busy === null ? null : busy / 100} />
              <span>
                <Quantity value={busy} unit="percent" /> busy
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
  const now = useNow(30_000);
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
          <h3>
            {job.owner} runs <Link to={paths.job(job.id)}>{jobName(job)}</Link>
          </h3>
          <p>
            {ranFor(job.started_at, now)}
            {job.spec.time_limit === null
              ? ", with no time limit: nobody knows when it ends."
              : `, and for at most ${spanWords(job.spec.time_limit)} in all.`}
          </p>
          {job.state === "LOST" && <p>Nobody has heard of it lately: whether it still runs is not known.</p>}
        </div>
      ));
    case "lent":
      return holder.lent.map((one) => (
        <div key={one.id} className={classes.what}>
          <h3>{one.user}, on the machine itself</h3>
          <p>
            {ranFor(one.since, now)}
            {one.command !== "" && (
              <>
                , with <code>{one.command}</code>
              </>
            )}
            . It is free again when they give it back.
          </p>
        </div>
      ));
    case "service":
      return holder.services.map((one) => (
        <div key={one.name} className={classes.what}>
          <h3>{one.name}</h3>
          <p>{one.state === "running" ? "A service that runs while nobody else wants the GPU: it makes room for whoever asks." : sentence(one.why === "" ? `It is ${one.state}` : one.why)}</p>
        </div>
      ));
    case "workload":
      return holder.workloads.map((one) => (
        <div key={one.id} className={classes.what}>
          <h3>
            {one.user ?? "Somebody unknown"} {one.state === "idle" ? "holds it with" : "runs"} {one.name}
          </h3>
          <p>
            {ranFor(one.started_at, now)}, started {startedBy(one.origin)}.
            {one.state === "idle" && " It keeps its memory and computes nothing."}
          </p>
          {one.managed === false && (
            <p className={classes.quiet}>It was not queued, so no job starts beside it until it ends.</p>
          )}
        </div>
      ));
  }
}

function ranFor(at: string | null, now: number): string {
  const long = since(at, now);
  return long === null ? "For how long is not known" : `For ${long} now`;
}

function startedBy(origin: string): string {
  if (origin === "unknown") return "nobody knows how";
  return origin === "host-process" ? "on the machine itself" : `with ${originWords(origin)}`;
}
