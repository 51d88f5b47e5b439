// The one way to ask the controller. Used by data/answer.ts, data/change.ts and data/session.ts; pages use those.
//
// The session is in a cookie that no script can read. Whatever changes something carries X-Sentinel-Csrf, which another
// site's page cannot add.
import { address, type Query } from "./address";
import { heard, silent } from "./link/link-store";
import { LinkLost, refusal } from "./refusal";
import type { AnswerOf, AskOf, Method, PathOf } from "./shapes";

export interface Asked {
  readonly path?: Readonly<Record<string, unknown>>;
  readonly query?: Query | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** The JSON of the answer, undefined where there is none. Throws Refused or LinkLost. */
export async function ask<M extends Method, P extends PathOf<M>>(
  method: M,
  path: P,
  asked: AskOf<M, P>,
  how: Pick<Asked, "headers" | "signal"> = {},
): Promise<AnswerOf<M, P>> {
  return (await call(method, path, { ...asked, ...how })) as AnswerOf<M, P>;
}

/** As `ask`, of an address that the API's document does not have. */
export async function call(method: Method, path: string, asked: Asked = {}): Promise<unknown> {
  const response = await send(method, path, asked);
  if (response.status === 204) return undefined;
  const body = await bodyOf(response);
  if (!response.ok) throw refusal(response.status, body);
  return body;
}

/** The answer itself, for streams and for logs; not read yet. Throws LinkLost. */
export async function send(method: Method, path: string, asked: Asked = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json", ...asked.headers };
  if (method !== "get") headers["X-Sentinel-Csrf"] = "1";
  if (asked.body !== undefined) headers["Content-Type"] = "application/json";
  try {
    // eslint-disable-next-line no-restricted-globals -- the one place
    const response = await fetch(address(path, asked.path, asked.query), {
      method: method.toUpperCase(),
      headers,
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      ...(asked.body === undefined ? {} : { body: JSON.stringify(asked.body) }),
      ...(asked.signal === undefined ? {} : { signal: asked.signal }),
    });
    heard();
    return response;
  } catch (error) {
    if (asked.signal?.aborted === true) throw error;
    silent();
    throw new LinkLost("the controller cannot be reached");
  }
}

async function bodyOf(response: Response): Promise<unknown> {
  if (!/\bjson\b/.test(response.headers.get("Content-Type") ?? "")) return null;
  try {
    return (await response.json()) as unknown;
  } catch {
    // Broken off in the middle: half an answer is none.
    throw new LinkLost("the answer broke off");
  }
}
