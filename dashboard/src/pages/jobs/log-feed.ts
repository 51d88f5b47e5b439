// A log stream as React takes it: begun with the first who looks, ended with the last, and told of ten times a second at
// the most, however fast the lines come. Used by the log panel.
import { useMemo, useSyncExternalStore } from "react";
import { LogBuffer } from "./log-buffer";
import { LogStream, type LogSource, type LogStatus } from "./log-stream";

const APART = 100; // milliseconds

export interface Seen {
  readonly buffer: LogBuffer;
  readonly status: LogStatus;
}

export function useLog({ job, attempt, rank, tail }: LogSource): Seen {
  const feed = useMemo(() => new LogFeed({ job, attempt, rank, tail }), [job, attempt, rank, tail]);
  return useSyncExternalStore(feed.subscribe, feed.seen);
}

class LogFeed {
  readonly #source: LogSource;
  readonly #listeners = new Set<() => void>();
  #stream: LogStream | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #seen: Seen = {
    buffer: new LogBuffer(),
    status: { phase: "connecting", skipped: 0, offset: 0, attempt: null, problem: null },
  };

  constructor(source: LogSource) {
    this.#source = source;
  }

  readonly seen = (): Seen => this.#seen;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#stream === null) {
      this.#stream = new LogStream(this.#source, this.#soon);
      void this.#stream.run();
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#stream?.stop();
      this.#stream = null;
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#timer = null;
    };
  };

  readonly #soon = (): void => {
    this.#timer ??= setTimeout(this.#tell, APART);
  };

  readonly #tell = (): void => {
    this.#timer = null;
    if (this.#stream === null) return;
    this.#seen = { buffer: this.#stream.buffer, status: this.#stream.status };
    for (const listener of this.#listeners) listener();
  };
}
