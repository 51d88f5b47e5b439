// /nodes/NAME?range=…: one machine: its GPUs, jobs, workloads and findings, and charts of its past.
import { EmptyState } from "../../components/EmptyState";
import { Page, Panel } from "../../components/Page";
import { Quantity } from "../../components/Quantity";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { Time } from "../../components/Time";
import { Unknown } from "../../components/Unknown";
import { useNow } from "../../data/useNow";
import { useAge, useAlertsOf, useJobsOf, useNode, useWorkloads } from "../../data/machines";
import type { Node } from "../../data/node";
import { Refused } from "../../data/refusal";
import { Link } from "../../routing/Link";
import { go } from "../../routing/location";
import { paths } from "../../routing/paths";
import { useUrlState } from "../../routing/useUrlState";
import { Findings } from "../gpu/Findings";
import { findingsOf } from "../gpu/findings";
import { CHARTS, mostOf } from "../gpu/metrics";
import type { Mark } from "../gpu/marks";
import { PastChart } from "../gpu/PastChart";
import { RangeBar } from "../gpu/RangeBar";
import { rangeOf } from "../gpu/time-range";
import { gpuStories } from "../workstation/story";
import { modelsOf } from "./gpu-bars";
import { GpuTable } from "./GpuTable";
import { NodeJobs } from "./NodeJobs";
import { NodeMenu } from "./NodeMenu";
import { NodeState } from "./NodeState";
import { NodeWorkloads } from "./NodeWorkloads";
import { sentenceOf } from "./node-state";
import classes from "./NodesPage.module.css";

const NO_MARKS: readonly Mark[] = [];

export function NodePage({ name }: { readonly name: string }) {
  const node = useNode(name);
  const age = useAge(node);
  if (node.error instanceof Refused && node.error.status === 404) {
    return (
      <Page title={name}>
        <EmptyState title={`There is no node ${name}`}>
          It may have been removed. <Link to={paths.nodes}>All nodes</Link>
        </EmptyState>
      </Page>
    );
  }
  if (node.data === undefined) {
    return <Page title={name}>{node.error === null ? <Skeleton height={600} /> : <Refusal error={node.error} />}</Page>;
  }
  return <Found key={name} node={node.data} age={age} />;
}

function Found({ node, age }: { readonly node: Node; readonly age: ReturnType<typeof useAge> }) {
  const now = useNow(10_000) / 1000;
  const [rangeText, setRange] = useUrlState("range", "6h");
  const jobs = useJobsOf(node.name);
  const workloads = useWorkloads(node.name);
  const alerts = useAlertsOf(node.name);
  const range = rangeOf(rangeText, now);
  const findings = findingsOf(alerts.data?.items ?? [], node.name);
  const memory = Math.max(0, ...(node.gpus ?? []).map((gpu) => gpu.memory_total_bytes ?? 0)) || null;
  const trouble = jobs.error ?? workloads.error ?? alerts.error;
  const stories =
    jobs.data === undefined || workloads.data === undefined
      ? undefined
      : gpuStories(node, jobs.data.items, workloads.data.items);
  return (
    <Page
      title={node.name}
      beside={<NodeState node={node} />}
      fetchedAt={age.fetchedAt}
      stale={age.stale}
      actions={<NodeMenu node={node} onRemoved={() => go(paths.nodes)} />}
    >
      {trouble !== null && <Refusal error={trouble} />}
      <Panel>
        <div className={classes.part}>
          <p>{sentenceOf(node)}.</p>
          {node.drained !== null && (
            <p className={classes.note}>
              Drained by {node.drained.by} <Time at={node.drained.at} />
              {node.drained.why === "" ? "." : `: ${node.drained.why}`}
            </p>
          )}
          <dl className={classes.facts}>
            <dt>Last seen</dt>
            <dd>
              <Time at={node.last_seen_at} />
            </dd>
            <dt>GPUs</dt>
            <dd>{modelsOf(node)}</dd>
            <dt>CPUs, memory</dt>
            <dd>
              {node.cpus ?? <Unknown />}, <Quantity value={node.memory_bytes} unit="bytes" />
            </dd>
            <dt>Address</dt>
            <dd>{node.address === "" ? <Unknown /> : node.address}</dd>
            <dt>Agent</dt>
            <dd>
              {node.agent_version}, joined <Time at={node.joined_at} />
            </dd>
          </dl>
        </div>
      </Panel>
      {findings.length > 0 && (
        <Panel title="What is wrong">
          <Findings findings={findings} naming />
        </Panel>
      )}
      <Panel title="GPUs">
        <GpuTable stories={stories} node={node} />
      </Panel>
      <Panel title="Past" actions={<RangeBar range={range} onRange={setRange} />}>
        <div className={classes.charts}>
          {CHARTS.map((chart) => (
            <PastChart
              key={chart.metric}
              {...chart}
              most={mostOf(chart, memory)}
              node={node.name}
              gpu={null}
              range={range}
              compare=""
              marks={NO_MARKS}
              onRange={setRange}
            />
          ))}
        </div>
      </Panel>
      <Panel title="Jobs">
        <NodeJobs jobs={jobs.data?.items} />
      </Panel>
      <Panel title="What it sees on its GPUs">
        <NodeWorkloads node={node} workloads={workloads.data?.items} />
      </Panel>
    </Page>
  );
}
