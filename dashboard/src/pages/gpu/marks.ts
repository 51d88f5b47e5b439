// What happened to a GPU, as marks on its charts: jobs that began and ended there, alerts about it, and what
// became of its node. Pure; used by the pages of a GPU and of a node.

import type { FleetEvent } from "../../data/fleet-event";
import { jobName, type PlacedJob } from "../../data/placed-job";
import { paths } from "../../routing/paths";

export type MarkKind = "begin" | "end" | "bad" | "alert" | "node";

export interface Mark {
  /** Epoch seconds. */
  readonly at: number;
  readonly kind: MarkKind;
  readonly text: string;
  /** The address of what it is about, where it has a page. */
  readonly to?: string;
}

const ENDS: Readonly<Partial<Record<PlacedJob["state"], readonly [MarkKind, string]>>> = {
  SUCCEEDED: ["end", "ended"],
  FAILED: ["bad", "failed"],
  CANCELED: ["end", "was cancelled"],
};

const NODES: Readonly<Record<string, string>> = {
  "sentinel.node.silent": "fell silent",
  "sentinel.node.up": "is up",
  "sentinel.node.dead": "was declared dead",
  "sentinel.node.drained": "was drained",
  "sentinel.node.resumed": "was resumed",
};

/** The types of events about a node, whose subject is its id. */
export const NODE_EVENTS: readonly string[] = Object.keys(NODES);
/** The types of events about alerts. */
export const ALERT_EVENTS: readonly string[] = ["sentinel.alert.fired", "sentinel.alert.resolved"];

/** Of jobs of a node, those that had that GPU. */
export function jobMarks(jobs: readonly PlacedJob[], uuid: string): readonly Mark[] {
  return jobs
    .filter((job) => job.gpus.includes(uuid))
    .flatMap((job) => {
      const what = `${jobName(job)} of ${job.owner}`;
      const [kind, verb] = ENDS[job.state] ?? ["end", "ended"];
      return [
        ...markAt(job.started_at, "begin", `${what} began`, paths.job(job.id)),
        ...markAt(job.ended_at, kind, `${what} ${verb}`, paths.job(job.id)),
      ];
    });
}

/** Of events, those about that GPU or its node; with `uuid` null, about any GPU of the node. `node`: its name. */
export function eventMarks(events: readonly FleetEvent[], uuid: string | null, node: string): readonly Mark[] {
  return events.flatMap((event) => {
    const verb = NODES[event.type];
    if (verb !== undefined) {
      return textOf(event.data.name) === node ? markAt(event.time, "node", `${node} ${verb}`) : [];
    }
    if (!ALERT_EVENTS.includes(event.type)) return [];
    const labels = event.data.labels;
    if (typeof labels !== "object" || labels === null) return [];
    if (uuid === null ? !("node" in labels) || labels.node !== node : !("uuid" in labels) || labels.uuid !== uuid) return [];
    const what = textOf(event.data.summary) || textOf(event.data.rule) || "an alert";
    return markAt(event.time, "alert", event.type.endsWith("resolved") ? `over: ${what}` : what);
  });
}

/** Those within these seconds, oldest first, and no more than a chart can show; the newest stay. */
export function within(marks: readonly Mark[], start: number, end: number, most = 60): readonly Mark[] {
  return marks
    .filter((mark) => mark.at >= start && mark.at <= end)
    .sort((a, b) => a.at - b.at)
    .slice(-most);
}

function markAt(time: string | null, kind: MarkKind, text: string, to?: string): readonly Mark[] {
  const at = time === null ? Number.NaN : Date.parse(time) / 1000;
  return Number.isFinite(at) ? [{ at, kind, text, ...(to === undefined ? {} : { to }) }] : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
