// What runs now, those that are over first at the front: they make room. Used by QueuePage.
import { useState } from "react";
import { EmptyState } from "../../components/EmptyState";
import { Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { Time } from "../../components/Time";
import { gpusInWords } from "../../data/job";
import type { Job } from "../../data/shapes";
import { useNow } from "../../data/useNow";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { useJobsIn } from "../jobs/asking";
import { JobStateBadge } from "../jobs/JobStateBadge";
import { nodesInWords } from "../jobs/story";
import { took } from "../jobs/took";
import { byEnd, latestEnd } from "./queue-order";
import classes from "./Rows.module.css";

const PLACED = ["ALLOCATED", "STARTING", "RUNNING", "LOST"] as const;
const FEW = 8;
const MOST = 100; // rows; the list of jobs has them all

export function Running({ owner }: { readonly owner: string }) {
  const running = useJobsIn(PLACED);
  const now = useNow(5_000);
  const [open, setOpen] = useState(false);
  const all = byEnd((running.data?.items ?? []).filter((job) => owner === "" || job.owner === owner));
  return (
    <Panel title={`Running${running.data === undefined ? "" : ` · ${all.length}${running.data.next === null ? "" : " or more"}`}`} flush>
      {running.data === undefined &&
        (running.error === null ? <Skeleton rows={12} /> : <Refusal error={running.error} />)}
      {running.data !== undefined && all.length === 0 && (
        <EmptyState title={owner === "" ? "Nothing runs" : `Nothing of ${owner} runs`}>What waits is placed as soon as a node has room for it.</EmptyState>
      )}
      <ul className={classes.rows}>
        {all.slice(0, open ? MOST : FEW).map((job) => (
          <li key={job.id}>
            <div className={classes.words}>
              <div className={classes.line}>
                <Link to={paths.job(job.id)}>{job.name === "" ? job.id : job.name}</Link>
                <span>{job.owner}</span>
                <span className={classes.size}>{gpusInWords(job.spec)}</span>
                <span className={classes.end}>
                  {job.state === "RUNNING" ? <Until job={job} /> : <JobStateBadge state={job.state} />}
                </span>
              </div>
              <div className={classes.line}>
                <span className={classes.quiet}>{job.node === null ? "" : nodesInWords(job.node)}</span>
                <span className={classes.end}>{ran(job, now)}</span>
              </div>
            </div>
          </li>
        ))}
      </ul>
      {all.length > FEW && (
        <p className={classes.more}>
          {all.length <= MOST ? (
            <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
              {open ? "Show fewer" : `Show all ${all.length}`}
            </button>
          ) : (
            <Link to={`${paths.jobs}?${PLACED.map((state) => `state=${state}`).join("&")}`}>All {all.length}</Link>
          )}
        </p>
      )}
    </Panel>
  );
}

function Until({ job }: { readonly job: Job }) {
  const end = latestEnd(job);
  if (end === null) return <span className={classes.quiet}>no time limit</span>;
  return (
    <>
      over <Time at={end} />
    </>
  );
}

function ran(job: Job, now: number): string {
  const found = took(job, now);
  if (found === null) return "";
  return found.limit === null ? `for ${found.said}` : `${found.said} of ${found.limit}`;
}
