// An event, and what is said of it in a line. Its words come from jobs, containers and people: text, never markup.
import type { Event } from "../../data/shapes";
import { paths } from "../../routing/paths";

/** null: it is none. What comes over the stream is not to be trusted to be whole. */
export function eventFrom(found: unknown): Event | null {
  if (typeof found !== "object" || found === null) return null;
  const { id, time, type, source, subject, owner, tenant, data } = found as Record<string, unknown>;
  if (typeof id !== "number" || typeof time !== "string" || typeof type !== "string") return null;
  return {
    id,
    time,
    type,
    source: typeof source === "string" ? source : "",
    subject: typeof subject === "string" ? subject : "",
    owner: typeof owner === "string" ? owner : null,
    tenant: typeof tenant === "string" ? tenant : "",
    data: typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {},
  };
}

/** What stands beside the type: names, places, reasons. Empty where the event says no more. */
export function sentenceOf({ data }: Event): string {
  const text = (key: string) => (typeof data[key] === "string" ? data[key] : "");
  const parts = [
    text("name") || text("rule") || text("label"),
    text("node") === "" ? "" : `on ${text("node")}`,
    gpusOf(data.gpus),
    text("from") === "" || text("state") === "" ? "" : `from ${text("from").toLowerCase()}`,
    exitOf(data),
    text("summary") || text("reason") || text("why"),
    text("by") === "" ? "" : `by ${text("by")}`,
  ];
  const said = parts.filter((part) => part !== "");
  // "exit code 2" is often the reason, too.
  return said.filter((part, nth) => said.indexOf(part) === nth).join(" · ");
}

function gpusOf(gpus: unknown): string {
  if (!Array.isArray(gpus) || gpus.length === 0) return "";
  return gpus.length === 1 ? "1 GPU" : `${gpus.length} GPUs`;
}

function exitOf(data: Event["data"]): string {
  if (typeof data.signal === "number") return `signal ${data.signal}`;
  return typeof data.exit_code === "number" && data.exit_code !== 0 ? `exit code ${data.exit_code}` : "";
}

/** Where the subject can be looked at, and what it is called there; null: nowhere. */
export interface Place {
  readonly to: string;
  readonly name: string;
}

export function placeOf({ type, subject, data }: Event): Place | null {
  const topic = type.startsWith("sentinel.") ? (type.split(".")[1] ?? "") : "";
  const text = (key: string) => (typeof data[key] === "string" && data[key] !== "" ? data[key] : null);
  const node = text("node");
  switch (topic) {
    case "job":
      return subject === "" ? null : { to: paths.job(subject), name: subject };
    case "node": {
      const name = text("name");
      return name === null ? null : { to: paths.node(name), name };
    }
    case "alert":
      return subject === "" ? null : { to: `${paths.alerts}/${encodeURIComponent(subject)}`, name: text("rule") ?? subject };
    case "alert_rule":
      return { to: `${paths.alerts}/rules`, name: subject };
    case "alert_route":
      return { to: `${paths.alerts}/routes`, name: subject };
    case "silence":
      return { to: `${paths.alerts}/silences`, name: subject };
    case "channel":
      return { to: `${paths.alerts}/channels`, name: subject };
    case "account":
      return { to: paths.usage, name: subject };
    case "reservation":
      return { to: paths.queue, name: text("name") ?? subject };
    case "workload":
    case "finding":
      return node === null ? null : { to: paths.node(node), name: subject };
    default:
      return null;
  }
}

/** How the subject is called; its id is in the details. */
export function subjectOf(event: Event): string {
  return placeOf(event)?.name ?? event.subject;
}

/** Each of the data as a line, nested ones as JSON; null: there, and empty. */
export function dataOf({ data }: Event): { key: string; value: string | null }[] {
  return Object.entries(data).map(([key, value]) => ({
    key,
    value:
      value === null || value === ""
        ? null
        : Array.isArray(value) && value.every(isPlain)
          ? value.join("\n")
          : textOf(value),
  }));
}

function textOf(value: unknown): string {
  return isPlain(value) ? String(value) : JSON.stringify(value, null, 1);
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}
