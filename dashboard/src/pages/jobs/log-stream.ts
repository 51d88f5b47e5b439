// Follows a job's log over a streaming fetch, through breaks, to its end. Used by the log panel.
//
// A stream ends where the job ends, where a part of the log was cut out, or when the link breaks; asking again from
// the offset reached tells which. Nothing is shown twice and what is missing is said.
import { address } from "../../data/address";
import { send } from "../../data/ask";
import { untilLookedAt, whileLookedAt } from "../../data/stream/looked-at";
import { passing, refusal, trouble, type Trouble } from "../../data/refusal";
import { LogBuffer } from "./log-buffer";

export type LogPhase = "connecting" | "following" | "complete" | "broken" | "refused";

export interface LogStatus {
  phase: LogPhase;
  /** Bytes before what was asked for first: the beginning of the log that is not shown. */
  skipped: number;
  /** Up to where it has been read. */
  offset: number;
  /** Which attempt's log it is; null before the first. */
  attempt: number | null;
  problem: Trouble | null;
}

export interface LogSource {
  job: string;
  attempt: number;
  rank: number;
  /** Only so many of the last lines; null: from the beginning. */
  tail: number | null;
}

/** As data/ask's `send`. */
export type Send = (method: "get", path: string, asked: SendAsked) => Promise<Response>;
type SendAsked = NonNullable<Parameters<typeof send>[2]>;
type Sleep = (seconds: number, signal: AbortSignal) => Promise<void>;

const PATH = "/api/v1/jobs/{id}/logs";
const LONGEST_WAIT = 15;

export class LogStream {
  readonly buffer = new LogBuffer();
  readonly #source: LogSource;
  readonly #changed: () => void;
  readonly #send: Send;
  readonly #sleep: Sleep;
  readonly #abort = new AbortController();
  #begun = false;
  #wait = 1;
  #status: LogStatus = { phase: "connecting", skipped: 0, offset: 0, attempt: null, problem: null };

  constructor(source: LogSource, changed: () => void, how: { send?: Send; sleep?: Sleep } = {}) {
    this.#source = source;
    this.#changed = changed;
    this.#send = how.send ?? send;
    this.#sleep = how.sleep ?? pause;
  }

  get status(): LogStatus {
    return this.#status;
  }

  stop(): void {
    this.#abort.abort();
  }

  // Asked anew each time: it changes while `run` waits.
  #stopped(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Until the log is whole, it is refused, or `stop`. */
  async run(): Promise<void> {
    const signal = this.#abort.signal;
    while (!this.#stopped()) {
      await untilLookedAt(signal);
      const looked = whileLookedAt();
      try {
        if (await this.#once(AbortSignal.any([signal, looked.signal]))) return;
      } catch (error) {
        if (this.#stopped()) return;
        // Nobody looks: it goes on from here when somebody does.
        if (looked.signal.aborted) continue;
        this.#say({ phase: "broken", problem: trouble(error) });
        await this.#sleep(this.#wait, signal);
        this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
      } finally {
        looked.over();
      }
    }
  }

  /** One answer, to its end. Whether that was the last one. */
  async #once(signal: AbortSignal): Promise<boolean> {
    const answer = await this.#send("get", PATH, {
      path: { id: this.#source.job },
      query: queryOf(this.#source, this.#begun ? this.#status.offset : null),
      headers: { Accept: "application/octet-stream, application/problem+json" },
      signal,
    });
    if (answer.status === 416) {
      this.buffer.note("— the log is shorter than before: from its beginning —");
      this.#begun = true;
      this.#say({ offset: 0 });
      await this.#sleep(this.#wait, signal);
      return false;
    }
    if (!answer.ok) {
      const problem = refusal(answer.status, await answer.json().catch(() => null));
      if (passing(problem) || answer.status >= 500) throw problem;
      this.#say({ phase: "refused", problem });
      return true;
    }
    const at = numberOf(answer, "Log-Offset") ?? 0;
    const missing = at - this.#status.offset;
    if (!this.#begun) this.#say({ skipped: at });
    else if (missing > 0) this.buffer.note(`— ${missing} bytes were cut out of the middle of this log —`);
    this.#begun = true;
    this.#say({ phase: "following", offset: at, attempt: numberOf(answer, "Log-Attempt"), problem: null });
    await this.#pour(answer);
    const size = numberOf(answer, "Log-Size");
    if (answer.headers.get("Log-Complete") === "true" && size !== null && this.#status.offset >= size) {
      this.#say({ phase: "complete" });
      return true;
    }
    // It ended in order: the job is over, or a hole begins. The next answer tells.
    const moved = this.#status.offset > at;
    this.#wait = moved ? 1 : Math.min(this.#wait * 2, LONGEST_WAIT);
    await this.#sleep(moved ? 0.2 : this.#wait, signal);
    return false;
  }

  async #pour(answer: Response): Promise<void> {
    if (answer.body === null) return;
    const reader = answer.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.#wait = 1;
      this.buffer.append(value);
      this.#say({ offset: this.#status.offset + value.length });
    }
  }

  #say(what: Partial<LogStatus>): void {
    this.#status = { ...this.#status, ...what };
    if (!this.#stopped()) this.#changed();
  }
}

function queryOf(source: LogSource, offset: number | null): Record<string, unknown> {
  return {
    follow: true,
    attempt: source.attempt,
    rank: source.rank > 0 ? source.rank : undefined,
    offset: offset ?? undefined,
    tail: offset === null ? (source.tail ?? undefined) : undefined,
  };
}

/** The whole log, for a link that downloads it. */
export function downloadOf({ job, attempt, rank }: Omit<LogSource, "tail">): { href: string; name: string } {
  return {
    href: address(PATH, { id: job }, { attempt, rank: rank > 0 ? rank : undefined }),
    name: `${job}.${attempt}${rank > 0 ? `.rank${rank}` : ""}.log`,
  };
}

function numberOf(answer: Response, header: string): number | null {
  const text = answer.headers.get(header);
  const found = text === null ? Number.NaN : Number(text);
  return Number.isFinite(found) ? found : null;
}

function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, seconds * 1000);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      done();
    });
  });
}
