// The fleet in a line: how many GPUs there are, have work, are free, blocked, unknown; how busy. Used by TopBar.tsx.
import { useMemo } from "react";
import { StatusMark } from "../components/StatusBadge";
import { Unknown } from "../components/Unknown";
import { grouped } from "../data/format/quantity";
import { countsOf } from "../data/fleet/fleet";
import { useFleet } from "../data/fleet/useFleet";
import classes from "./Shell.module.css";

export function FleetLine() {
  const { fleet, live } = useFleet();
  const counts = useMemo(() => (fleet === null ? null : countsOf(fleet)), [fleet]);
  if (counts === null) return <div className={classes.line} />;
  const { states } = counts;
  return (
    // On a phone it is moved sideways, so keys must reach it.
    <div
      className={classes.line}
      role="group"
      aria-label="The fleet now"
      tabIndex={0}
      data-stale={!live || undefined}
      title={live ? undefined : "Old: the controller does not answer"}
    >
      <span>
        <b>{grouped(counts.gpus)}</b> {counts.gpus === 1 ? "GPU" : "GPUs"}
      </span>
      <span>
        <StatusMark status={{ tone: "busy", shape: "dot" }} />
        <b>{grouped(states.leased)}</b> in use
      </span>
      <span>
        <StatusMark status={{ tone: "ok", shape: "ring" }} />
        <b>{grouped(states.free)}</b> free
      </span>
      {counts.ill > 0 && (
        <span>
          <StatusMark status={{ tone: "bad", shape: "triangle" }} />
          <b>{grouped(counts.ill)}</b> ill
        </span>
      )}
      {states.unknown > 0 && (
        <span>
          <StatusMark status={{ tone: "unknown", shape: "hatch" }} />
          <b>{grouped(states.unknown)}</b> unknown
        </span>
      )}
      {states.blocked > 0 && (
        <span>
          <StatusMark status={{ tone: "warn", shape: "bar" }} />
          <b>{grouped(states.blocked)}</b> blocked
        </span>
      )}
      <span className={classes.busy}>
        <b>{counts.util === null ? <Unknown why="no GPU's load is known" /> : `${counts.util.toFixed(0)}\u202f%`}</b> busy
      </span>
    </div>
  );
}
