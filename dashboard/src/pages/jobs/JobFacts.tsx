// The facts of a job across the page: whose, where, since when, how it ended. Used by JobPage.
import type { ReactNode } from "react";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { Time } from "../../components/Time";
import { endInWords, gpusInWords, placed } from "../../data/job";
import type { OneJob } from "../../data/shapes";
import { took } from "./took";
import classes from "./Facts.module.css";

interface Props {
  readonly job: OneJob;
  /** Epoch milliseconds. */
  readonly now: number;
}

export function JobFacts({ job, now }: Props) {
  const end = endInWords(job);
  const ran = took(job, now);
  return (
    <dl className={classes.strip}>
      <Fact name="Owner">
        <Link to={`/jobs?owner=${encodeURIComponent(job.owner)}`}>{job.owner}</Link>
        {job.account !== null && ` (${job.account})`}
      </Fact>
      <Fact name="Asked for">{gpusInWords(job.spec)}</Fact>
      <Fact name={placed(job.state) || job.node === null ? "Runs on" : "Ran on"}>
        <Where job={job} />
      </Fact>
      <Fact name="Submitted">
        <Time at={job.submitted_at} />
      </Fact>
      {job.started_at !== null && (
        <Fact name="Started">
          <Time at={job.started_at} />
        </Fact>
      )}
      {job.ended_at !== null && (
        <Fact name="Ended">
          <Time at={job.ended_at} />
        </Fact>
      )}
      {ran !== null && (
        <Fact name={job.ended_at === null ? "Runs for" : "Ran for"}>
          {ran.said}
          {ran.limit !== null && ` of ${ran.limit}`}
        </Fact>
      )}
      {end !== null && <Fact name="Ended with">{end}</Fact>}
      {job.attempt > 1 && <Fact name="Attempts">{job.attempt}</Fact>}
      {job.preemptions > 0 && <Fact name="Made room">{times(job.preemptions)}</Fact>}
      {job.failures > 0 && <Fact name="Tried again">{times(job.failures)}</Fact>}
      {job.array !== null && (
        <Fact name="Task">
          {job.array.index} of <Link to={paths.job(job.array.id)}>array {job.array.id}</Link>
        </Fact>
      )}
      {job.part !== null && (
        <Fact name="Rank">
          {job.part.rank} of <Link to={paths.job(job.part.of)}>gang {job.part.of}</Link>
        </Fact>
      )}
      {job.after.length > 0 && (
        <Fact name="Waits for">
          {job.after.map((one, at) => (
            <span key={one.job}>
              {at > 0 && ", "}
              <Link to={paths.job(one.job)}>{one.job}</Link> {AFTER[one.kind]}
            </span>
          ))}
        </Fact>
      )}
    </dl>
  );
}

const AFTER = { ok: "to succeed", any: "to end", notok: "to fail" } as const;

function Where({ job }: { readonly job: OneJob }) {
  if (job.node === null) return "nowhere yet";
  return (
    <>
      {job.node.split(",").map((node, at) => (
        <span key={node}>
          {at > 0 && ", "}
          <Link to={paths.node(node)}>{node}</Link>
        </span>
      ))}
    </>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
