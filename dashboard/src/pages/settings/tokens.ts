// Tokens as the settings page shows them: whether they open anything, and for how long new ones do.
import type { NewToken, Token } from "../../data/person";

export type TokenState = "valid" | "ends-soon" | "expired" | "revoked";

const SOON = 7 * 86_400_000;

/** `now`: epoch, milliseconds. A session is short by design: it never "ends soon". */
export function stateOf(token: Token, now: number): TokenState {
  if (token.revoked_at !== null) return "revoked";
  if (token.expires_at === null) return "valid";
  const left = Date.parse(token.expires_at) - now;
  if (left <= 0) return "expired";
  return token.kind === "api" && left < SOON ? "ends-soon" : "valid";
}

export function opens(token: Token, now: number): boolean {
  const state = stateOf(token, now);
  return state === "valid" || state === "ends-soon";
}

export const STATES = {
  valid: { tone: "ok", shape: "dot", word: "Valid" },
  "ends-soon": { tone: "warn", shape: "triangle", word: "Ends soon" },
  expired: { tone: "quiet", shape: "bar", word: "Expired" },
  revoked: { tone: "quiet", shape: "cross", word: "Revoked" },
} as const satisfies Record<TokenState, object>;

export const KINDS: Readonly<Record<Token["kind"], string>> = {
  api: "API",
  session: "Session",
  join: "Join",
};

const DAY = 86_400;

/** How long a new token may live. `seconds` null: for ever. */
export interface Life {
  value: string;
  label: string;
  seconds: number | null;
}

const LIVES: readonly Life[] = [
  { value: "1d", label: "1 day", seconds: DAY },
  { value: "7d", label: "7 days", seconds: 7 * DAY },
  { value: "30d", label: "30 days", seconds: 30 * DAY },
  { value: "90d", label: "90 days", seconds: 90 * DAY },
  { value: "365d", label: "1 year", seconds: 365 * DAY },
];

/** "For ever" is for admins alone. */
export function livesFor(admin: boolean): readonly Life[] {
  return admin ? [...LIVES, { value: "ever", label: "No end", seconds: null }] : LIVES;
}

export interface Wanted {
  label: string;
  kind: "api" | "join";
  life: string;
  owner: string;
}

/** What `POST tokens` is told; what is as usual is left out. */
export function tokenBody({ label, kind, life, owner }: Wanted): NewToken {
  const chosen = livesFor(true).find(({ value }) => value === life);
  const expires_in = chosen === undefined ? 90 * DAY : chosen.seconds;
  const whose = owner.trim();
  return { label: label.trim(), kind, expires_in, ...(whose === "" ? {} : { owner: whose }) };
}
