// What can go wrong with a call, as values: `Refused` is the controller's "no" (application/problem+json), `LinkLost` is
// that nobody answered. Thrown by data/ask.ts, shown by components/Refusal.tsx and components/form.
import type { Problem } from "./shapes";

export class Refused extends Error {
  override readonly name = "Refused";
  constructor(
    readonly status: number,
    /** A word that programs may decide by: "no-such-job", "forbidden", … */
    readonly kind: string,
    readonly detail: string,
    /** What to do next; may be empty. */
    readonly hint: string,
    readonly fields: readonly { readonly field: string; readonly message: string }[] = [],
  ) {
    super(detail);
  }
}

export class LinkLost extends Error {
  override readonly name = "LinkLost";
}

export type Trouble = Refused | LinkLost;

/** The refusal in an answer that is none of 2xx. Proxies in between may answer something else than problem+json. */
export function refusal(status: number, body: unknown): Refused {
  if (isProblem(body)) return new Refused(status, body.type, body.detail, body.hint, body.errors ?? []);
  const hint = status >= 500 ? "The controller's log may say more; what is shown may be old." : "";
  return new Refused(status, "about:blank", `the controller answered ${String(status)}`, hint);
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "detail" in body && "hint" in body && "type" in body;
}

/** Trouble of any kind, from whatever was thrown. */
export function trouble(error: unknown): Trouble {
  if (error instanceof Refused || error instanceof LinkLost) return error;
  return new LinkLost(error instanceof Error ? error.message : String(error));
}

/** Whether asking again by itself may help: nobody answered, or the store was busy. */
export function passing(error: unknown): boolean {
  return error instanceof LinkLost || (error instanceof Refused && [429, 502, 503, 504].includes(error.status));
}

/** What is wrong with one field of a form; undefined when nothing is. */
export function fieldError(error: unknown, field: string): string | undefined {
  if (!(error instanceof Refused)) return undefined;
  return error.fields.find((one) => one.field === field)?.message;
}
