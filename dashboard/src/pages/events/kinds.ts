// Which types of events there are, and how each is shown: its word, its tone and shape. Used by the events page.

type Tone = "ok" | "busy" | "warn" | "bad" | "unknown" | "quiet";
type Shape = "dot" | "ring" | "triangle" | "cross" | "bar" | "arrow" | "hatch";

export interface Look {
  tone: Tone;
  shape: Shape;
  word: string;
}

const PREFIX = "sentinel.";

const OK: readonly [Tone, Shape] = ["ok", "dot"];
const GOES: readonly [Tone, Shape] = ["busy", "arrow"];
const RUNS: readonly [Tone, Shape] = ["busy", "dot"];
const WARN: readonly [Tone, Shape] = ["warn", "triangle"];
const BAD: readonly [Tone, Shape] = ["bad", "cross"];
const GONE: readonly [Tone, Shape] = ["unknown", "hatch"];
const SAID: readonly [Tone, Shape] = ["quiet", "ring"];
const ENDED: readonly [Tone, Shape] = ["quiet", "bar"];

const KINDS: Readonly<Record<string, readonly [Tone, Shape]>> = {
  "job.submitted": SAID,
  "job.released": SAID,
  "job.allocated": GOES,
  "job.starting": GOES,
  "job.running": RUNS,
  "job.requeued": WARN,
  "job.succeeded": OK,
  "job.failed": BAD,
  "job.canceled": ENDED,
  "job.lost": GONE,
  "job.leftover": WARN,
  "job.cancel-requested": SAID,
  "job.preempt-requested": SAID,
  "node.joined": GOES,
  "node.up": OK,
  "node.silent": GONE,
  "node.dead": BAD,
  "node.rebooted": WARN,
  "node.changed": SAID,
  "node.drained": ENDED,
  "node.resumed": OK,
  "node.removed": ENDED,
  "workload.detected": RUNS,
  "workload.exited": ENDED,
  "workload.reclassified": SAID,
  "workload.became-idle": WARN,
  "workload.resumed": RUNS,
  "finding.opened": WARN,
  "finding.closed": OK,
  "alert.fired": ["bad", "triangle"],
  "alert.no_data": GONE,
  "alert.resolved": OK,
  "alert.acknowledged": SAID,
  "alert.unacknowledged": SAID,
  "silence.added": SAID,
  "silence.ended": ENDED,
  "alert_rule.changed": SAID,
  "alert_rule.removed": ENDED,
  "alert_route.changed": SAID,
  "channel.changed": SAID,
  "channel.removed": ENDED,
  "account.set": SAID,
  "account.removed": ENDED,
  "reservation.added": SAID,
  "reservation.removed": ENDED,
  "token.made": SAID,
  "token.revoked": ENDED,
  "user.added": SAID,
  "user.changed": SAID,
  "user.removed": ENDED,
  "controller.hold-ended": SAID,
};

export function lookOf(type: string): Look {
  const name = shortOf(type);
  const [tone, shape] = (Object.hasOwn(KINDS, name) ? KINDS[name] : undefined) ?? SAID;
  return { tone, shape, word: wordOf(type) };
}

function shortOf(type: string): string {
  return type.startsWith(PREFIX) ? type.slice(PREFIX.length) : type;
}

/** "sentinel.job.cancel-requested" → "Job cancel requested"; what is not ours stays as it is. */
export function wordOf(type: string): string {
  const name = shortOf(type);
  if (name === type) return type;
  const words = name.replace(/[._-]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** "job" of "sentinel.job.running". */
export function topicOf(type: string): string {
  return shortOf(type).split(".")[0] ?? "";
}

export interface Topic {
  group: string;
  items: { value: string; label: string }[];
}

/** All types to choose from, by topic: those that are known, and `seen` ones besides. */
export function topicsOf(seen: readonly string[]): Topic[] {
  const known = Object.keys(KINDS).map((name) => PREFIX + name);
  const topics = new Map<string, Topic>();
  for (const type of new Set([...known, ...seen])) {
    const group = topicOf(type).replace(/_/g, " ");
    const topic = topics.get(group) ?? { group: group.charAt(0).toUpperCase() + group.slice(1), items: [] };
    topic.items.push({ value: type, label: wordOf(type) });
    topics.set(group, topic);
  }
  return [...topics.values()];
}
