// A job's state in a word, a colour and a shape. Used wherever jobs are listed.
import { StatusBadge, type Status } from "../../components/StatusBadge";
import type { JobState } from "../../data/job";

const SAID: Readonly<Record<JobState, Status>> = {
  QUEUED: { tone: "quiet", shape: "ring", word: "queued" },
  ALLOCATED: { tone: "quiet", shape: "arrow", word: "allocated" },
  STARTING: { tone: "busy", shape: "ring", word: "starting" },
  RUNNING: { tone: "busy", shape: "arrow", word: "running" },
  LOST: { tone: "unknown", shape: "hatch", word: "lost" },
  SUCCEEDED: { tone: "ok", shape: "dot", word: "succeeded" },
  FAILED: { tone: "bad", shape: "cross", word: "failed" },
  CANCELED: { tone: "warn", shape: "bar", word: "canceled" },
};

export function JobStateBadge({ state }: { readonly state: JobState }) {
  return <StatusBadge status={SAID[state]} />;
}
