// What a job wrote, as it writes it: searched, paused, of any attempt and rank, and to be downloaded. Used by JobPage.
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useState } from "react";
import { ended } from "../../data/job";
import type { OneJob } from "../../data/shapes";
import { useLog } from "./log-feed";
import { downloadOf, type LogStatus } from "./log-stream";
import { LogLines } from "./LogLines";
import classes from "./LogPanel.module.css";

const TAIL = 2_000; // lines that are asked for first

interface Props {
  readonly job: OneJob;
  readonly attempt: number;
  readonly rank: number;
  readonly search: string;
  /** `attempt` 0: the last one. */
  readonly onChange: (what: { attempt?: number; rank?: number; find?: string }) => void;
}

export function LogPanel({ job, attempt, rank, search, onChange }: Props) {
  const [tail, setTail] = useState<number | null>(TAIL);
  const { buffer, status } = useLog({ job: job.id, attempt, rank, tail });
  const [atEnd, setAtEnd] = useState(true);
  const [paused, setPaused] = useState<number | null>(null); // the number of the line at which it was
  const [nth, setNth] = useState(0);

  const there = buffer.dropped + buffer.length;
  const count = paused === null ? buffer.length : Math.max(0, Math.min(buffer.length, paused - buffer.dropped));
  const hits = search === "" ? [] : buffer.find(search).filter((at) => at < count);
  const hit = hits.length === 0 ? null : ((nth % hits.length) + hits.length) % hits.length;
  const download = downloadOf({ job: job.id, attempt, rank });

  function step(by: number): void {
    setAtEnd(false);
    setNth(hit === null ? 0 : hit + by);
  }
  return (
    <div className={classes.panel}>
      <div className={classes.bar}>
        {job.attempt > 1 && (
          <NativeSelect
            size="xs"
            aria-label="Attempt"
            value={String(attempt)}
            data={Array.from({ length: job.attempt }, (_, at) => ({
              value: String(job.attempt - at),
              label: `Attempt ${job.attempt - at}`,
            }))}
            onChange={(event) => {
              const chosen = Number(event.currentTarget.value);
              onChange({ attempt: chosen === job.attempt ? 0 : chosen });
            }}
          />
        )}
        {job.spec.nodes > 1 && (
          <NativeSelect
            size="xs"
            aria-label="Rank"
            value={String(rank)}
            data={Array.from({ length: job.spec.nodes }, (_, at) => ({ value: String(at), label: `Rank ${at}` }))}
            onChange={(event) => onChange({ rank: Number(event.currentTarget.value) })}
          />
        )}
        <TextInput
          size="xs"
          className={classes.search}
          aria-label="Search the log"
          placeholder="Search"
          value={search}
          onChange={(event) => {
            setNth(0);
            onChange({ find: event.currentTarget.value });
          }}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            step(event.shiftKey ? -1 : 1);
          }}
        />
        {search !== "" && (
          <>
            <span className={classes.count} role="status">
              {hit === null ? "not found" : `${hit + 1} of ${hits.length}`}
            </span>
            <Button size="compact-xs" variant="default" disabled={hit === null} onClick={() => step(-1)} aria-label="Previous match">
              ↑
            </Button>
            <Button size="compact-xs" variant="default" disabled={hit === null} onClick={() => step(1)} aria-label="Next match">
              ↓
            </Button>
          </>
        )}
        <span className={classes.right}>
          {paused === null ? (
            <Button size="compact-xs" variant="default" onClick={() => setPaused(there)}>
              Pause
            </Button>
          ) : (
            <Button
              size="compact-xs"
              onClick={() => {
                setPaused(null);
                setAtEnd(true);
              }}
            >
              Go on{there > paused ? ` (${there - paused} new)` : ""}
            </Button>
          )}
          <Button size="compact-xs" variant="default" component="a" href={download.href} download={download.name}>
            Download
          </Button>
        </span>
      </div>
      {status.skipped > 0 && tail !== null && (
        <p className={classes.skipped}>
          The last {TAIL} lines.{" "}
          <button type="button" className={classes.link} onClick={() => setTail(null)}>
            Show it from the beginning
          </button>
        </p>
      )}
      <LogLines
        buffer={buffer}
        count={count}
        label={`Log of ${job.id}, attempt ${attempt}${job.spec.nodes > 1 ? `, rank ${rank}` : ""}`}
        search={search}
        found={hit === null ? null : (hits[hit] ?? null)}
        atEnd={atEnd && paused === null}
        onAtEnd={setAtEnd}
      />
      <p className={classes.state} role="status" data-bad={status.phase === "broken" || status.phase === "refused" || undefined}>
        {said(status, buffer.length, ended(job.state))}
      </p>
    </div>
  );
}

function said(status: LogStatus, lines: number, over: boolean): string {
  const problem = status.problem;
  switch (status.phase) {
    case "connecting":
      return "Asking for it…";
    case "following":
      if (over) return lines === 0 ? "Nothing of it has come from its node." : "The end of it has not come from its node yet.";
      return lines === 0 ? "Nothing was written yet. What comes is shown at once." : "Follows what comes.";
    case "complete":
      return lines === 0 ? "It wrote nothing." : "That is all of it.";
    case "broken":
      return `The link broke${problem === null ? "" : ` (${problem.message})`}; what is shown may not be all. It is tried again.`;
    case "refused":
      return problem === null ? "It may not be read." : [problem.message, "hint" in problem ? problem.hint : ""].filter((one) => one !== "").join(": ");
  }
}
