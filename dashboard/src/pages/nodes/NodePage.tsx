// /nodes/NAME?range=…&compare=…&as=…: one machine: its GPUs, what is wrong with it, its past, jobs, workloads, and what
// happened to it.
import { EmptyState } from "../../components/EmptyState";
import { Page, Panel } from "../../components/Page";
import { Quantity } from "../../components/Quantity";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { Time } from "../../components/Time";
import { Unknown } from "../../components/Unknown";
import { useAge, useAlertsOf, useArbiter, useJobsOf, useNode, useWorkloads } from "../../data/machines";
import type { Node } from "../../data/node";
import { Refused } from "../../data/refusal";
import { Link } from "../../routing/Link";
import { go } from "../../routing/location";
import { paths } from "../../routing/paths";
import { Findings } from "../gpu/Findings";
import { findingsOf } from "../gpu/findings";
import { gpuStories } from "../workstation/story";
import { modelsOf } from "./gpu-bars";
import { GpuTable } from "./GpuTable";
import { NodeJobs } from "./NodeJobs";
import { NodeMenu } from "./NodeMenu";
import { NodeState } from "./NodeState";
import { NodeWorkloads } from "./NodeWorkloads";
import { sentenceOf } from "./node-state";
import { NodeEvents } from "./NodeEvents";
import { NodePast } from "./NodePast";
import classes from "./NodePage.module.css";

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
  const jobs = useJobsOf(node.name);
  const workloads = useWorkloads(node.name);
  const alerts = useAlertsOf(node.name);
  const arbiter = useArbiter(node.name).data ?? null;
  const findings = findingsOf(alerts.data?.items ?? [], node.name);
  const late = [jobs, workloads, alerts].some((one) => one.data === undefined && one.error === null);
  const trouble = jobs.error ?? workloads.error ?? alerts.error;
  const stories =
    jobs.data === undefined || workloads.data === undefined
      ? undefined
      : gpuStories(node, jobs.data.items, workloads.data.items, arbiter);
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
          <Facts node={node} />
        </div>
      </Panel>
      {/* What is wrong stands first: until it is known, nothing stands beneath that would be pushed away by it. */}
      {late ? (
        <Skeleton height={900} />
      ) : (
        <>
          {findings.length > 0 && (
            <Panel title="What is wrong">
              <Findings findings={findings} naming />
            </Panel>
          )}
          <Panel title="GPUs">
            <GpuTable stories={stories} node={node} findings={findings} />
          </Panel>
          <NodePast node={node} />
          <div className={classes.pair}>
            <Panel title="Jobs">
              <NodeJobs jobs={jobs.data?.items} />
            </Panel>
            <Panel title="What happened to it">
              <NodeEvents node={node} />
            </Panel>
          </div>
          <Panel title="What it sees on its GPUs">
            <NodeWorkloads node={node} workloads={workloads.data?.items} />
          </Panel>
        </>
      )}
    </Page>
  );
}

function Facts({ node }: { readonly node: Node }) {
  return (
    <dl className={classes.facts}>
      <div>
        <dt>Last seen</dt>
        <dd>
          <Time at={node.last_seen_at} />
        </dd>
      </div>
      <div>
        <dt>GPUs</dt>
        <dd>{modelsOf(node)}</dd>
      </div>
      <div>
        <dt>CPUs</dt>
        <dd>{node.cpus ?? <Unknown />}</dd>
      </div>
      <div>
        <dt>Memory</dt>
        <dd>
          <Quantity value={node.memory_bytes} unit="bytes" />
        </dd>
      </div>
      <div>
        <dt>Address</dt>
        <dd>{node.address === "" ? <Unknown /> : node.address}</dd>
      </div>
      <div>
        <dt>Agent</dt>
        <dd>{node.agent_version}</dd>
      </div>
      <div>
        <dt>Joined</dt>
        <dd>
          <Time at={node.joined_at} />
        </dd>
      </div>
    </dl>
  );
}
