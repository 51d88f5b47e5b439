// Who has a GPU now, in a line or two. Used by the page of a GPU.
import { Time } from "../../components/Time";
import { jobName } from "../../data/placed-job";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { originWords } from "../workloads/evidence";
import type { Holder } from "../workstation/story";
import classes from "./GpuPage.module.css";

export function HolderNow({ holder }: { readonly holder: Holder }) {
  switch (holder.kind) {
    case "free":
      return <p>Nobody: it is free.</p>;
    case "blocked":
      return <p>{holder.word === "leased" ? "Somebody on the machine itself." : "Nobody that is known of."}</p>;
    case "unknown":
      return <p>Unknown. {holder.why}</p>;
    case "job":
      return (
        <div className={classes.holders}>
          {holder.jobs.map((job) => (
            <p key={job.id}>
              <strong>{job.owner}</strong> with job <Link to={paths.job(job.id)}>{jobName(job)}</Link>
              {job.started_at !== null && (
                <>
                  , begun <Time at={job.started_at} />
                </>
              )}
              {job.spec.gpu_milli < 1000 && `, ${Math.round(job.spec.gpu_milli / 10)} % of it`}
            </p>
          ))}
        </div>
      );
    case "lent":
      return (
        <div className={classes.holders}>
          {holder.lent.map((one) => (
            <p key={one.id}>
              <strong>{one.user}</strong>, on the machine itself
              {one.since !== null && (
                <>
                  , begun <Time at={one.since} />
                </>
              )}
              {one.command !== "" && (
                <>
                  : <code>{one.command}</code>
                </>
              )}
            </p>
          ))}
        </div>
      );
    case "service":
      return (
        <div className={classes.holders}>
          {holder.services.map((one) => (
            <p key={one.name}>
              <strong>{one.name}</strong>, a service that makes room for jobs ({one.state}
              {one.why !== "" && `: ${one.why}`})
            </p>
          ))}
        </div>
      );
    case "workload":
      return (
        <div className={classes.holders}>
          {holder.workloads.map((one) => (
            <p key={one.id}>
              <strong>{one.user ?? "Somebody unknown"}</strong> with{" "}
              <Link to={`/workloads?open=${encodeURIComponent(one.id)}&node=${encodeURIComponent(one.node)}`}>
                {one.name}
              </Link>{" "}
              ({originWords(one.origin)}), not queued
            </p>
          ))}
        </div>
      );
  }
}
