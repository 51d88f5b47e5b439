// Reads a stream of server-sent events until it ends. By fetch and not by EventSource: then a refusal says why, and every
// byte counts as heard. Who calls it tries again. Used by the fleet's stream and page events.
import { send } from "../ask";
import { PATIENCE } from "../link/link";
import { heard, silent } from "../link/link-store";
import { LinkLost, refusal } from "../refusal";
import { EventParser, type StreamEvent } from "./event-parser";

export interface Reading {
  /** Of the last event that was heard: the stream goes on after it. */
  readonly lastId?: string;
  readonly signal: AbortSignal;
  readonly onEvent: (event: StreamEvent) => void;
}

let signedOut: () => void = () => undefined;

/** What is to be done when a stream is refused because nobody is signed in any more. Said once, by main.tsx. */
export function whenSignedOut(act: () => void): void {
  signedOut = act;
}

/** Returns when the stream ended; throws Refused or LinkLost. Silence for longer than the link's patience ends it, too. */
export async function readStream(address: string, { lastId = "", signal, onEvent }: Reading): Promise<void> {
  const quiet = new AbortController();
  const either = AbortSignal.any([signal, quiet.signal]);
  const headers = { Accept: "text/event-stream", ...(lastId === "" ? {} : { "Last-Event-ID": lastId }) };
  const response = await send("get", address, { headers, signal: either });
  if (!response.ok) {
    if (response.status === 401) signedOut();
    throw refusal(response.status, await bodyOf(response));
  }
  if (response.body === null) throw new LinkLost("the stream is empty");

  let timer = setTimeout(() => quiet.abort(), PATIENCE);
  const parser = new EventParser(lastId);
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      clearTimeout(timer);
      timer = setTimeout(() => quiet.abort(), PATIENCE);
      for (const event of parser.push(decoder.decode(value, { stream: true }))) onEvent(event);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    silent();
    throw new LinkLost("the stream broke off");
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => undefined);
  }
}

async function bodyOf(response: Response): Promise<unknown> {
  try {
    return (await response.json()) as unknown;
  } catch {
    return null;
  }
}
