// A job's events as a story: one line each, oldest first. Used by the job page. Pure.
import type { JobEvent } from "../../data/job";

export type Tone = "neutral" | "good" | "bad" | "attention" | "waiting";

export interface Entry {
  id: number;
  time: string;
  tone: Tone;
  title: string;
  /** Why, where the event says so. */
  detail: string;
  attempt: number;
  /** Seconds since the entry before it; null for the first. */
  after: number | null;
}

const TITLES: Record<string, [string, Tone]> = {
  submitted: ["Submitted", "waiting"],
  released: ["What it waited for has ended", "waiting"],
  allocated: ["Got its GPUs", "neutral"],
  starting: ["Its node prepares it", "neutral"],
  running: ["Runs", "good"],
  requeued: ["Back in the queue", "waiting"],
  "cancel-requested": ["Its end was asked for", "attention"],
  "preempt-requested": ["Is to make room", "attention"],
  succeeded: ["Succeeded", "good"],
  failed: ["Failed", "bad"],
  canceled: ["Canceled", "attention"],
  lost: ["Lost: whether it runs is not known", "bad"],
  leftover: ["Something of it still holds a GPU", "bad"],
};

export function timelineOf(events: readonly JobEvent[]): Entry[] {
  let before: string | null = null;
  return events.map((event) => {
    const word = event.type.replace(/^sentinel\.job\./, "");
    const [said, tone] = TITLES[word] ?? [word, "neutral" as const];
    const node = text(event.data.node);
    const on = (word === "allocated" || word === "running") && node !== "" ? ` on ${nodesInWords(node)}` : "";
    const title = `${said}${on}${codes(event.data)}`;
    const reason = text(event.data.reason) || text(event.data.why);
    const entry: Entry = {
      id: event.id,
      time: event.time,
      tone,
      title,
      detail: title.endsWith(reason) ? "" : reason,
      attempt: typeof event.data.attempt === "number" ? event.data.attempt : 0,
      after: before === null ? null : seconds(before, event.time),
    };
    before = event.time;
    return entry;
  });
}

/** "a", "a and b", "a, b and 6 more": a gang's nodes come as one text with commas. */
export function nodesInWords(nodes: string): string {
  const names = nodes.split(",");
  const [first = "", second = ""] = names;
  if (names.length === 1) return first;
  if (names.length === 2) return `${first} and ${second}`;
  return `${first}, ${second} and ${names.length - 2} more`;
}

function codes(data: Record<string, unknown>): string {
  if (typeof data.signal === "number") return ` by signal ${data.signal}`;
  if (typeof data.exit_code === "number" && data.exit_code !== 0) return ` with exit code ${data.exit_code}`;
  return "";
}

function text(found: unknown): string {
  return typeof found === "string" ? found : "";
}

function seconds(from: string, to: string): number | null {
  const found = (Date.parse(to) - Date.parse(from)) / 1000;
  return Number.isFinite(found) ? Math.max(0, found) : null;
}
