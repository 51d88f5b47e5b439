// A job, or an array: why it waits, what it writes, what happened to it, what it was asked to be. The page of /jobs/ID.
import { Copyable } from "../../components/Copyable";
import { EmptyState } from "../../components/EmptyState";
import { Page, Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { useNow } from "../../data/useNow";
import { ended, endInWords, isArray, type Change } from "../../data/job";
import { useLink } from "../../data/link/link-store";
import { useMe } from "../../data/me";
import { Refused } from "../../data/refusal";
import type { OneJob } from "../../data/shapes";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { number, text } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import { ArrayView } from "./ArrayView";
import { AskedFor } from "./AskedFor";
import { useJob, useJobEvents, useWhy } from "./asking";
import { JobActions } from "./JobActions";
import { JobCharts } from "./JobCharts";
import { JobFacts } from "./JobFacts";
import { JobStateBadge } from "./JobStateBadge";
import { LogPanel } from "./LogPanel";
import { mayDo, type May } from "./may";
import { Parts } from "./Parts";
import { sentence } from "./reason-words";
import { took } from "./took";
import { Timeline } from "./Timeline";
import { WhyPanel } from "./WhyPanel";
import classes from "./JobPage.module.css";

/** Seconds of running in which too little is measured for a chart. */
const SHORT = 60;
/** `attempt` 0: the last one. */
const FIELDS = { attempt: number(0), rank: number(0), find: text() };

export function JobPage({ id }: { readonly id: string }) {
  const found = useJob(id);
  if (found.error instanceof Refused && found.error.status === 404) {
    return (
      <Page title={`Job ${id}`}>
        <EmptyState title={`There is no job ${id}`}>
          It may be too old to be kept. <Link to={paths.jobs}>All jobs</Link>
        </EmptyState>
      </Page>
    );
  }
  if (found.data === undefined) {
    return <Page title={`Job ${id}`}>{found.error === null ? <Skeleton height={480} /> : <Refusal error={found.error} />}</Page>;
  }
  if (isArray(found.data)) return <ArrayView key={id} array={found.data} />;
  return <Found key={id} job={found.data} fetchedAt={found.dataUpdatedAt} trouble={found.error} />;
}

interface FoundProps {
  readonly job: OneJob;
  readonly fetchedAt: number;
  /** Why what is shown may be old. */
  readonly trouble: Error | null;
}

function Found({ job, fetchedAt, trouble }: FoundProps) {
  const me = useMe();
  const may = mayDo(me, job);
  const now = useNow(1_000);
  const lost = useLink().kind === "lost";
  return (
    <Page
      title={job.name === "" ? job.id : job.name}
      beside={
        <>
          <JobStateBadge state={job.state} />
          <Copyable text={job.id} what="its id" />
        </>
      }
      fetchedAt={fetchedAt}
      stale={lost || trouble !== null}
      actions={<JobActions job={job} may={may} maySubmit={me.can("submit")} />}
    >
      {trouble !== null && <Refusal error={trouble} />}
      <Panel>
        <div className={classes.head}>
          {job.state !== "QUEUED" && job.reason !== "" && job.reason !== endInWords(job) && <p className={classes.reason}>{sentence(job.reason)}</p>}
          {job.cancel !== null && (
            <p className={classes.reason}>
              {job.cancel.by} asked for its end{job.cancel.why === "" ? "." : `: ${job.cancel.why}`}
            </p>
          )}
          <JobFacts job={job} now={now} />
        </div>
      </Panel>
      {job.state === "QUEUED" && <Waits job={job} offer={me.can("submit")} />}
      <Output job={job} may={may} />
      {job.started_at !== null && job.gpus.length > 0 && (took(job, now)?.seconds ?? 0) > SHORT && (
        <JobCharts
          id={job.id}
          start={Date.parse(job.started_at) / 1000}
          end={job.ended_at === null ? null : Date.parse(job.ended_at) / 1000}
        />
      )}
      <div className={classes.columns}>
        <Panel title="What happened">
          <Happened job={job} />
        </Panel>
        <Panel title="What was asked for">
          <AskedFor spec={job.spec} />
        </Panel>
      </div>
    </Page>
  );
}

function Waits({ job, offer }: { readonly job: OneJob; readonly offer: boolean }) {
  const why = useWhy(job.id, true);
  return (
    <Panel title="Why it waits">
      {why.data === undefined ? (
        // The list's own sentence is there at once, and takes the place of the longer answer until that has come.
        <p className={classes.first}>{sentence(job.reason || "it was just submitted.")}</p>
      ) : (
        <WhyPanel why={why.data} {...(offer ? { offer: (change: Change) => alike(job, change) } : {})} />
      )}
      {why.error !== null && <Refusal error={why.error} />}
    </Panel>
  );
}

function alike(job: OneJob, change: Change) {
  const with_ = encodeURIComponent(JSON.stringify(change.change));
  return <Link to={`/jobs/new?from=${encodeURIComponent(job.id)}&with=${with_}`}>Submit one like that</Link>;
}

function Output({ job, may }: { readonly job: OneJob; readonly may: May }) {
  const [view, setView] = useUrlState(FIELDS);
  const attempt = within(view.attempt, 1, job.attempt) ?? job.attempt;
  const rank = within(view.rank, 0, job.spec.nodes - 1) ?? 0;
  return (
    <>
      {job.spec.nodes > 1 && (
        <Panel title="Its parts">
          <Parts parts={job.parts ?? []} rank={rank} onRank={(chosen) => setView({ rank: chosen }, { step: true })} />
        </Panel>
      )}
      <Panel title="What it writes">
        {!may.readLog ? (
          <p className={classes.quiet}>Its owner and operators alone can read it.</p>
        ) : job.part !== null ? (
          <p>
            It is with the gang&apos;s:{" "}
            <Link to={`${paths.job(job.part.of)}?rank=${job.part.rank}`}>log of rank {job.part.rank}</Link>
          </p>
        ) : attempt === 0 ? (
          <p className={classes.quiet}>
            {ended(job.state) ? "It never ran, and wrote nothing." : "It has not begun. What it writes is shown here as it comes."}
          </p>
        ) : (
          <LogPanel
            key={`${attempt}.${rank}`}
            job={job}
            attempt={attempt}
            rank={rank}
            search={view.find}
            onChange={setView}
          />
        )}
      </Panel>
    </>
  );
}

function Happened({ job }: { readonly job: OneJob }) {
  const told = useJobEvents(job.id, `${job.state} ${job.attempt}`, !ended(job.state));
  if (told.data === undefined) return told.error === null ? <Skeleton rows={4} /> : <Refusal error={told.error} />;
  return <Timeline events={told.data.events} more={told.data.more} />;
}

function within(found: number, least: number, most: number): number | null {
  return Number.isInteger(found) && found >= least && found <= most ? found : null;
}
