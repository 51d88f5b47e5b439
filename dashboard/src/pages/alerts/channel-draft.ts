// A channel while it is being written. Its secrets are in the form alone, and only until it was sent. Pure.
// Used by the page Channels.

import type { ChannelKind } from "../../data/alerting";

export interface ChannelDraft {
  readonly name: string;
  readonly kind: ChannelKind;
  readonly url: string;
  readonly secret: string;
  /** A line each: `Name: value`. */
  readonly headers: string;
  readonly caFile: string;
  readonly timeout: string;
}

export type WrongChannel = Partial<Record<keyof ChannelDraft, string>>;

export interface Kind {
  readonly kind: ChannelKind;
  readonly title: string;
  readonly says: string;
  readonly url: { readonly label: string; readonly hint: string; readonly needed: boolean };
  readonly secret: { readonly label: string; readonly hint: string; readonly needed: boolean } | null;
  readonly headers: boolean;
}

const WEBHOOK: Kind = {
  kind: "webhook",
  title: "Webhook",
  says: "Signed JSON to any web server",
  url: { label: "Address", hint: "https://… of the receiver", needed: true },
  secret: { label: "Signing key", hint: "Each message is signed with it; the receiver needs the same", needed: false },
  headers: true,
};

export const KINDS: readonly Kind[] = [
  WEBHOOK,
  {
    kind: "alertmanager-webhook",
    title: "Alertmanager webhook",
    says: "Whatever already receives Alertmanager's webhooks",
    url: { label: "Address", hint: "https://… of the receiver", needed: true },
    secret: null,
    headers: true,
  },
  {
    kind: "pagerduty",
    title: "PagerDuty",
    says: "One incident for each group of alerts",
    url: { label: "Address", hint: "Only for the EU: https://events.eu.pagerduty.com/v2/enqueue", needed: false },
    secret: { label: "Integration key", hint: "Events API v2, of the service in PagerDuty", needed: true },
    headers: false,
  },
  {
    kind: "apprise",
    title: "E-mail, Slack, Teams, ntfy, …",
    says: "Over Apprise, an extra of the controller",
    url: { label: "Apprise address", hint: "mailtos://…, slack://…, ntfys://…: it has all that is needed in it", needed: true },
    secret: null,
    headers: false,
  },
];

export const NEW_CHANNEL: ChannelDraft = {
  name: "", kind: "webhook", url: "", secret: "", headers: "", caFile: "", timeout: "10",
};

const SHORTEST = 8; // characters of a key
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

export function kindOf(kind: ChannelKind): Kind {
  return KINDS.find((one) => one.kind === kind) ?? WEBHOOK;
}

export function wrongInChannel(draft: ChannelDraft, taken: ReadonlySet<string>): WrongChannel {
  const wrong: WrongChannel = {};
  const kind = kindOf(draft.kind);
  if (!NAME.test(draft.name)) wrong.name = "Letters, digits and _ . - like ops";
  else if (taken.has(draft.name)) wrong.name = "There is a channel of that name; write that one anew instead";
  if (draft.url === "" && kind.url.needed) wrong.url = "Needed";
  else if (draft.url !== "" && !/^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(draft.url)) wrong.url = "An address without blanks, like https://…";
  if (kind.secret?.needed === true && draft.secret === "") wrong.secret = "Needed";
  else if (kind.secret !== null && draft.secret !== "" && draft.secret.length < SHORTEST) wrong.secret = `At least ${SHORTEST} characters`;
  if (kind.headers && readHeaders(draft.headers) === null) wrong.headers = "A line each: Name: value";
  if (draft.caFile !== "" && !draft.caFile.startsWith("/")) wrong.caFile = "The whole path of a file on the controller";
  const timeout = Number(draft.timeout);
  if (!(timeout >= 1 && timeout <= 60)) wrong.timeout = "1 to 60 seconds";
  return wrong;
}

/** What the API takes: only what the kind knows. */
export function channelOf(draft: ChannelDraft): Record<string, unknown> {
  const kind = kindOf(draft.kind);
  return {
    kind: draft.kind,
    ...(draft.url === "" ? {} : { url: draft.url }),
    ...(kind.secret === null || draft.secret === "" ? {} : { secret: draft.secret }),
    ...(kind.headers ? { headers: readHeaders(draft.headers) ?? {} } : {}),
    ...(draft.caFile === "" ? {} : { ca_file: draft.caFile }),
    timeout: Number(draft.timeout),
  };
}

/** null: a line is no header. */
export function readHeaders(text: string): Record<string, string> | null {
  const found: Record<string, string> = {};
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const at = line.indexOf(":");
    if (at < 1) return null;
    found[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return found;
}
