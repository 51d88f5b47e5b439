// /workstation?node=NAME: one machine, for whoever sits at it: who has the GPU now, what was paused and why, what is next.
// It explains itself: no word of the product is needed to read it.
import { NativeSelect } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import { EmptyState } from "../../components/EmptyState";
import { Page } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { ask } from "../../data/ask";
import { useAge, useAlertsOf, useArbiter, useLiveJobs, useNodes, useWorkloads } from "../../data/machines";
import type { Node } from "../../data/node";
import type { JobWhy } from "../../data/placed-job";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { useUrlState } from "../../routing/useUrlState";
import { Findings } from "../gpu/Findings";
import { findingsOf } from "../gpu/findings";
import { GpuCard } from "./GpuCard";
import { NextList } from "./NextList";
import { PausedList } from "./PausedList";
import { arbiterNote, askedThere, pausedThings } from "./paused";
import { firstInLine, gpuStories, groupsOf, headline, nextThings, summaryOf } from "./story";
import classes from "./WorkstationPage.module.css";

/** So many of those that wait are asked why; a workstation has few. */
const MOST_ASKED = 10;

export function WorkstationPage() {
  const nodes = useNodes();
  const [chosen, choose] = useUrlState("node", "");
  const age = useAge(nodes);
  if (nodes.data === undefined) {
    return (
      <Page title="Workstation">{nodes.error === null ? <Skeleton height={400} /> : <Refusal error={nodes.error} />}</Page>
    );
  }
  const names = nodes.data.items.map((node) => node.name);
  const node = nodes.data.items.find((one) => one.name === chosen) ?? nodes.data.items[0];
  if (node === undefined) {
    return (
      <Page title="Workstation">
        <EmptyState title="No machine has joined yet">
          <Link to={paths.nodes}>Nodes</Link> says how one joins; then this page says who has its GPUs.
        </EmptyState>
      </Page>
    );
  }
  return (
    <Page
      title={node.name}
      fetchedAt={age.fetchedAt}
      stale={age.stale}
      actions={
        names.length > 1 && (
          <NativeSelect
            aria-label="Machine"
            size="xs"
            data={names}
            value={node.name}
            onChange={(event) => choose(event.currentTarget.value)}
          />
        )
      }
    >
      <div className={classes.page}>
        {chosen !== "" && chosen !== node.name && (
          <p role="status">There is no machine {chosen}; this is {node.name}.</p>
        )}
        <Machine key={node.name} node={node} alone={names.length === 1} />
      </div>
    </Page>
  );
}

function Machine({ node, alone }: { readonly node: Node; readonly alone: boolean }) {
  const jobs = useLiveJobs();
  const workloads = useWorkloads(node.name);
  const alerts = useAlertsOf(node.name);
  const arbiter = useArbiter(node.name).data ?? null;
  const live = jobs.data?.items;
  const wondered = firstInLine(live ?? [], MOST_ASKED);
  const whys = useQueries({
    queries: wondered.map((job) => ({
      queryKey: ["jobs", job.id, "why"],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        ask("get", "/api/v1/jobs/{id}/why", { path: { id: job.id } }, { signal }),
      refetchInterval: 15_000,
    })),
    combine: (answers) =>
      new Map<string, JobWhy>(answers.flatMap(({ data }) => (data === undefined ? [] : [[data.id, data]]))),
  });
  const trouble = jobs.error ?? workloads.error;
  if (live === undefined || workloads.data === undefined) {
    return trouble === null ? <Skeleton height={400} /> : <Refusal error={trouble} />;
  }
  const seen = workloads.data.items;
  const stories = gpuStories(node, live, seen, arbiter);
  const paused = pausedThings(node, live, seen, arbiter);
  const asked = askedThere(node, arbiter);
  const note = arbiterNote(node, arbiter);
  const next = nextThings(live, whys);
  const findings = findingsOf(alerts.data?.items ?? [], node.name);
  return (
    <>
      <header className={classes.head}>
        <p className={classes.headline}>{headline(stories)}</p>
        <p className={classes.quiet}>{summaryOf(stories ?? [], paused.length, next.length + asked.length)}</p>
        {node.drained !== null && (
          <p>
            {node.drained.by} has closed it for new jobs{node.drained.why !== "" && `: ${node.drained.why}`}.
          </p>
        )}
      </header>
      <section className={classes.section} aria-labelledby="now">
        <h2 id="now">Who has the {stories?.length === 1 ? "GPU" : "GPUs"} now</h2>
        <ul className={classes.cards}>
          {groupsOf(stories ?? []).map((group) => (
            <GpuCard
              key={group.gpus[0]?.uuid}
              group={group}
              many={stories?.length ?? 0}
              samples={node.samples}
            />
          ))}
        </ul>
      </section>
      {findings.length > 0 && (
        <section className={classes.section} aria-labelledby="wrong">
          <h2 id="wrong">What is wrong</h2>
          <Findings findings={findings} naming />
        </section>
      )}
      <section className={classes.section} aria-labelledby="paused">
        <h2 id="paused">What was paused, and why</h2>
        {note !== null && <p>{note}</p>}
        <PausedList things={paused} />
      </section>
      <section className={classes.section} aria-labelledby="next">
        <h2 id="next">What is next{alone ? "" : ", on all machines"}</h2>
        <NextList asked={asked} things={next} shown={MOST_ASKED} />
      </section>
    </>
  );
}
