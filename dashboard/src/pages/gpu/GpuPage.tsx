// /gpus/UUID?range=…&compare=…&with=…: one GPU: who has it, what is wrong with it, and its past, beside that of others.
// Reached from the fleet, from nodes and from alerts.
import { NativeSelect } from "@mantine/core";
import { useMemo, useState } from "react";
import { EmptyState } from "../../components/EmptyState";
import { Page, Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { useAge, useAlertsOf, useArbiter, useEvents, useGpus, useJobsOf, useNode, useWorkloads } from "../../data/machines";
import type { Gpu } from "../../data/shapes";
import { useNow } from "../../data/useNow";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { useUrlState } from "../../routing/useUrlState";
import { gpuStories } from "../workstation/story";
import { ALL, besideOf, besidesOf } from "./beside";
import { BlockNote } from "./BlockNote";
import { Findings } from "./Findings";
import { findingsOf } from "./findings";
import { Happened } from "./Happened";
import { HolderNow } from "./HolderNow";
import { Holdings } from "./Holdings";
import { ALERT_EVENTS, eventMarks, jobMarks, NODE_EVENTS, within } from "./marks";
import { Measured } from "./Measured";
import { CHARTS, mostOf } from "./metrics";
import { PastChart } from "./PastChart";
import { PastStrips } from "./PastStrips";
import { RangeBar } from "./RangeBar";
import { rangeOf } from "./time-range";
import classes from "./GpuPage.module.css";

export function GpuPage({ uuid }: { readonly uuid: string }) {
  const gpus = useGpus();
  if (gpus.data === undefined) {
    return <Page title="GPU">{gpus.error === null ? <Skeleton height={600} /> : <Refusal error={gpus.error} />}</Page>;
  }
  const gpu = gpus.data.items.find((one) => one.uuid === uuid);
  if (gpu === undefined) {
    return (
      <Page title="GPU">
        <EmptyState title="No such GPU">
          No node has a GPU {uuid} now. Its node may have been removed, or the card replaced.{" "}
          <Link to={paths.nodes}>All nodes</Link>
        </EmptyState>
      </Page>
    );
  }
  return <Found key={uuid} gpu={gpu} all={gpus.data.items} toldAt={gpus.dataUpdatedAt} />;
}

interface FoundProps {
  readonly gpu: Gpu;
  readonly all: readonly Gpu[];
  /** When they were told, epoch milliseconds: what is shown until the node has answered. */
  readonly toldAt: number;
}

function Found({ gpu, all, toldAt }: FoundProps) {
  const now = useNow(10_000) / 1000;
  const [rangeText, setRange] = useUrlState("range", "6h");
  const [compare, setCompare] = useUrlState("compare", "");
  const [aside, setAside] = useUrlState("with", "");
  const node = useNode(gpu.node);
  const arbiter = useArbiter(gpu.node).data ?? null;
  const jobs = useJobsOf(gpu.node);
  const workloads = useWorkloads(gpu.node);
  const alerts = useAlertsOf(gpu.node);
  const nodeEvents = useEvents(NODE_EVENTS, node.data?.id ?? null, 100, node.data !== undefined);
  const alertEvents = useEvents(ALERT_EVENTS, null, 200);
  const range = rangeOf(rangeText, now);
  const events = [...(nodeEvents.data?.items ?? []), ...(alertEvents.data?.items ?? [])];
  const marks = within(
    [...jobMarks(jobs.data?.items ?? [], gpu.uuid), ...eventMarks(events, gpu.uuid, gpu.node)],
    range.start,
    range.end,
  );
  const story =
    node.data === undefined || jobs.data === undefined || workloads.data === undefined
      ? undefined
      : gpuStories(node.data, jobs.data.items, workloads.data.items, arbiter)?.find((one) => one.gpu.uuid === gpu.uuid);
  const findings = findingsOf(alerts.data?.items ?? [], gpu.node, gpu.uuid);
  // What is wrong stands above the charts: until it is known, nothing stands there that would be pushed away by it.
  const late = [node, jobs, workloads, alerts].some((one) => one.data === undefined && one.error === null);
  const trouble = node.error ?? jobs.error ?? workloads.error;
  const age = useAge(node);
  const uuids = useMemo(() => new Map(all.filter((one) => one.node === gpu.node).map((one) => [`GPU ${one.index}`, one.uuid])), [all, gpu.node]);
  const [at, setAt] = useState<number | null>(null);
  const besides = useMemo(() => besidesOf(all, gpu), [all, gpu]);
  return (
    <Page
      title={`GPU ${gpu.index} of ${gpu.node}`}
      beside={<Link to={paths.node(gpu.node)}>The node</Link>}
      fetchedAt={age.fetchedAt ?? toldAt}
      stale={age.stale}
    >
      <p className={classes.quiet}>
        {gpu.model ?? "Model unknown"} · <code>{gpu.uuid}</code>
      </p>
      {trouble !== null && <Refusal error={trouble} />}
      {late ? (
        <Skeleton height={900} />
      ) : (
        <>
          <div className={classes.two}>
            <Panel title="Who has it">
              <div className={classes.part}>
                {story === undefined ? <Skeleton height={24} /> : <HolderNow holder={story.holder} />}
                {gpu.blocked !== null && (story?.holder.kind !== "job" || gpu.blocked.kind === "quarantined") && <BlockNote blocked={gpu.blocked} />}
              </div>
            </Panel>
            <Panel title="Now">
              <Measured
                sample={node.data?.samples?.find((one) => one.uuid === gpu.uuid) ?? null}
                total={gpu.memory_total_bytes}
              />
            </Panel>
          </div>
          {findings.length > 0 && (
            <Panel title="What is wrong">
              <Findings findings={findings} naming={false} />
            </Panel>
          )}
          <Panel
            title="Past"
            actions={
              <RangeBar range={range} onRange={setRange} compare={compare} onCompare={setCompare}>
                <label className={classes.beside}>
                  Beside
                  <NativeSelect size="xs" data={[...besides]} value={aside} onChange={({ currentTarget: { value } }) => setAside(value)} />
                </label>
              </RangeBar>
            }
          >
            <div className={classes.charts}>
              {CHARTS.map((chart) =>
                aside === ALL ? (
                  <PastStrips
                    key={chart.metric}
                    {...chart}
                    most={mostOf(chart, gpu.memory_total_bytes)}
                    node={gpu.node}
                    range={range}
                    compare={compare}
                    uuids={uuids}
                    own={`GPU ${gpu.index}`}
                    at={at}
                    onAt={setAt}
                  />
                ) : (
                  <PastChart
                    key={chart.metric}
                    {...chart}
                    most={mostOf(chart, gpu.memory_total_bytes)}
                    node={gpu.node}
                    gpu={gpu.uuid}
                    beside={besideOf(all, aside)}
                    range={range}
                    compare={compare}
                    marks={marks}
                    onRange={setRange}
                  />
                ),
              )}
            </div>
          </Panel>
          <div className={classes.pair}>
            <Panel title="What happened in this time">
              <Happened marks={marks} />
            </Panel>
            <Panel title="Who had it">
              <div className={classes.scroll}>
                <Holdings gpu={gpu} range={range} />
              </div>
            </Panel>
          </div>
        </>
      )}
    </Page>
  );
}
