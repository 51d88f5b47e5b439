// Who waits for what, in order, why, and when it is thought to start; what runs is beside it. The page of /queue.
import { Button } from "@mantine/core";
import { EmptyState } from "../../components/EmptyState";
import { Page, Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { useLink } from "../../data/link/link-store";
import { useMe } from "../../data/me";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { number, text } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import { useJobsIn } from "../jobs/asking";
import { Held } from "./Held";
import { demandOf, inLine, notInLine } from "./queue-order";
import { Running } from "./Running";
import { useStarts } from "./starts";
import { Waiting } from "./Waiting";
import classes from "./QueuePage.module.css";

const WAITING = ["QUEUED"] as const;
const AT_ONCE = 10;
/** `starts`: of how many the start is asked for. */
const FIELDS = { owner: text(), starts: number(AT_ONCE) };

export function QueuePage() {
  const me = useMe();
  const [view, setView] = useUrlState(FIELDS);
  const waiting = useJobsIn(WAITING);
  const link = useLink();
  const all = waiting.data?.items ?? [];
  const line = inLine(all).map((job, at) => ({ job, place: at + 1 }));
  const shown = line.filter(({ job }) => view.owner === "" || job.owner === view.owner);
  const others = notInLine(all).filter((job) => view.owner === "" || job.owner === view.owner);
  const told = Math.min(shown.length, Math.max(0, Math.min(view.starts, 100)));
  const starts = useStarts(shown.slice(0, told).map(({ job }) => job.id));
  const demand = demandOf(all);
  return (
    <Page
      title="Queue"
      fetchedAt={waiting.dataUpdatedAt === 0 ? null : waiting.dataUpdatedAt}
      stale={link.kind === "lost" || (waiting.data !== undefined && waiting.error !== null)}
    >
      <Held />
      {waiting.error !== null && <Refusal error={waiting.error} />}
      {demand.length > 0 && (
        <div className={classes.owners} role="group" aria-label="Whose jobs">
          <button type="button" aria-pressed={view.owner === ""} onClick={() => setView({ owner: "" }, { step: true })}>
            Everybody
          </button>
          {demand.map((one) => (
            <button
              key={one.owner}
              type="button"
              aria-pressed={view.owner === one.owner}
              onClick={() => setView({ owner: one.owner }, { step: true })}
            >
              {one.owner}
              {one.owner === me.user && " (you)"}{" "}
              <span className={classes.much}>
                {one.jobs} {one.jobs === 1 ? "job" : "jobs"}, {Number(one.gpus.toFixed(2))} GPUs
              </span>
            </button>
          ))}
        </div>
      )}
      <div className={classes.columns}>
        <div className={classes.stack}>
          <Panel title={`In line${waiting.data === undefined ? "" : ` · ${shown.length}`}`} flush>
            {waiting.data === undefined && waiting.error === null && <Skeleton rows={8} />}
            {waiting.data !== undefined && shown.length === 0 && (
              <EmptyState title={view.owner === "" ? "Nobody waits" : `Nothing of ${view.owner} is in line`}>
                {me.can("submit") ? (
                  <Link to="/jobs/new">Submit a job: it says before you do when it would start</Link>
                ) : (
                  <Link to={paths.jobs}>All jobs</Link>
                )}
              </EmptyState>
            )}
            {shown.length > 0 && <Waiting rows={shown} starts={starts} told={told} />}
          </Panel>
          {told < shown.length && told < 100 && (
            <div>
              <Button size="xs" variant="default" onClick={() => setView({ starts: told + AT_ONCE })}>
                Ask when the next {Math.min(AT_ONCE, shown.length - told)} would start
              </Button>
            </div>
          )}
          <p className={classes.quiet}>
            By priority, then by age. Whose turn it is among several users also depends on their shares, so jobs may start in
            another order.
            {waiting.data?.next !== null && waiting.data !== undefined && " There are more than the 1000 newest that are shown."}
          </p>
          {others.length > 0 && (
            <Panel title={`Not in line: waiting for other jobs to end · ${others.length}`} flush>
              <Waiting rows={others.map((job) => ({ job, place: null }))} starts={null} told={0} />
            </Panel>
          )}
        </div>
        <Running owner={view.owner} />
      </div>
    </Page>
  );
}
