// Who waits for what, in order, why, and when it is thought to start; what holds the line, who is due, what runs and which
// nodes are kept stand beside it. The page of /queue.
import { Button, NativeSelect, SegmentedControl } from "@mantine/core";
import { EmptyState } from "../../components/EmptyState";
import { Page, Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { useLink } from "../../data/link/link-store";
import { useMe } from "../../data/me";
import type { Job } from "../../data/shapes";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { number, oneOf, text } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import { useJobsIn } from "../jobs/asking";
import { Held } from "./Held";
import { Holds } from "./Holds";
import { demandOf, inLine, notInLine, type Demand } from "./queue-order";
import { byReason, foldedIn, type Row } from "./reasons";
import { Reservations } from "./Reservations";
import { Running } from "./Running";
import { useStarts } from "./starts";
import { Waiting } from "./Waiting";
import { WhoWaits } from "./WhoWaits";
import classes from "./QueuePage.module.css";

const WAITING = ["QUEUED"] as const;
const AT_ONCE = 10;
const MOST = 100;
/** `starts`: of how many the start is asked for. */
const FIELDS = { owner: text(), starts: number(AT_ONCE), as: oneOf(["reasons", "line"] as const, "reasons") };
const NONE: ReadonlySet<string> = new Set();

export function QueuePage() {
  const me = useMe();
  const [view, setView] = useUrlState(FIELDS);
  const waiting = useJobsIn(WAITING);
  const link = useLink();
  const all = waiting.data?.items;
  const mine = ({ owner }: Job) => view.owner === "" || owner === view.owner;
  const line = inLine(all ?? []).map((job, at): Row => ({ job, place: at + 1 }));
  const shown = line.filter(({ job }) => mine(job));
  const others = notInLine(all ?? []).filter(mine).map((job): Row => ({ job, place: null }));
  const oneByOne = view.as === "line";
  const groups = oneByOne ? [{ reason: "", rows: shown }] : byReason(shown);
  const askable = oneByOne ? shown : foldedIn(groups);
  const told = Math.min(askable.length, Math.max(0, Math.min(view.starts, MOST)));
  const first = line[0]?.job;
  const ids = [...new Set([...(first === undefined ? [] : [first.id]), ...askable.slice(0, told).map(({ job }) => job.id)])];
  const starts = useStarts(ids);
  const demand = all === undefined ? undefined : demandOf(all);
  const more = Math.min(AT_ONCE, askable.length - told);
  return (
    <Page
      title="Queue"
      fetchedAt={waiting.dataUpdatedAt === 0 ? null : waiting.dataUpdatedAt}
      stale={link.kind === "lost" || (waiting.data !== undefined && waiting.error !== null)}
      actions={
        <>
          <NativeSelect
            size="xs"
            aria-label="Whose jobs"
            className={classes.owner}
            value={view.owner}
            data={choices(demand, view.owner, me.user)}
            onChange={(event) => setView({ owner: event.currentTarget.value }, { step: true })}
          />
          <SegmentedControl
            size="xs"
            aria-label="How the line is shown"
            data={[
              { value: "reasons", label: "By reason" },
              { value: "line", label: "One by one" },
            ]}
            value={view.as}
            onChange={(as) => setView({ as: as === "line" ? "line" : "reasons" })}
          />
        </>
      }
    >
      <Held />
      {waiting.error !== null && <Refusal error={waiting.error} />}
      <div className={classes.columns}>
        <div className={classes.stack}>
          <Panel title={all === undefined ? "In line" : `In line · ${shown.length}`} flush>
            {all === undefined && waiting.error === null && <Skeleton rows={20} />}
            {all !== undefined && shown.length === 0 && (
              <EmptyState title={view.owner === "" ? "Nobody waits" : `Nothing of ${view.owner} is in line`}>
                {me.can("submit") ? (
                  <Link to="/jobs/new">Submit a job: it says before you do when it would start</Link>
                ) : (
                  <Link to={paths.jobs}>All jobs</Link>
                )}
              </EmptyState>
            )}
            {shown.length > 0 && (
              <Waiting
                groups={groups}
                oneByOne={oneByOne}
                starts={starts}
                asked={new Set(ids)}
                label="Jobs in line"
              />
            )}
          </Panel>
          {all !== undefined && more > 0 && told < MOST && (
            <div>
              <Button size="xs" variant="default" onClick={() => setView({ starts: told + AT_ONCE })}>
                Ask when {more === 1 ? "one more" : `the next ${more}`} would start
              </Button>
            </div>
          )}
          {/* After the line: else it would be pushed down by it. */}
          {all !== undefined && (
            <p className={classes.quiet}>
              By priority, then by age. Whose turn it is among several users also depends on their shares, so jobs may start
              in another order.
              {(waiting.data?.next ?? null) !== null && " There are more than the 1000 newest that are shown."}
            </p>
          )}
          {others.length > 0 && (
            <Panel title={`Not in line: waiting for other jobs to end · ${others.length}`} flush>
              <Waiting groups={byReason(others)} starts={null} asked={NONE} label="Jobs that wait for other jobs" />
            </Panel>
          )}
        </div>
        <div className={classes.stack}>
          <WhoWaits demand={demand} owner={view.owner} onOwner={(owner) => setView({ owner }, { step: true })} />
          <Holds line={all === undefined ? undefined : line.length} first={first} why={first && starts.get(first.id)} />
          <Running owner={view.owner} />
          <Reservations />
        </div>
      </div>
    </Page>
  );
}

/** Everybody, you, and all others who wait; whoever is in the address stays a choice. */
function choices(demand: readonly Demand[] | undefined, chosen: string, me: string) {
  const jobs = demand?.reduce((sum, one) => sum + one.jobs, 0);
  const known = demand ?? [];
  const one = (owner: string, { jobs: count, gpus }: Pick<Demand, "jobs" | "gpus">) => ({
    value: owner,
    label: `${owner}${owner === me ? " (you)" : ""} · ${count} ${count === 1 ? "job" : "jobs"}, ${Number(gpus.toFixed(2))} GPUs`,
  });
  const missing = chosen !== "" && !known.some(({ owner }) => owner === chosen);
  return [
    { value: "", label: jobs === undefined ? "Everybody" : `Everybody · ${jobs} ${jobs === 1 ? "job" : "jobs"}` },
    ...(missing ? [one(chosen, { jobs: 0, gpus: 0 })] : []),
    ...[...known].sort((a, b) => Number(b.owner === me) - Number(a.owner === me)).map((each) => one(each.owner, each)),
  ];
}
