// The fleet in a line: how many GPUs there are, have work, are free, blocked, unknown; how busy. Used by TopBar.tsx.
import { useMemo } from "react";
import { StatusMark } from "../components/StatusBadge";
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
    <div className={classes.line} data-stale={!live || undefined}>
      <span>
        <b>{grouped(counts.gpus)}</b> GPUs
      </span>
      <span>
        <StatusMark status={{ tone: "busy", shape: "dot" }} />
        <b>{grouped(states.leased)}</b> in use
      </span>
      <span>
        <StatusMark status={{ tone: "ok", shape: "ring" }} />
        <b>{grouped(states.free)}</b> free
      </span>
      {states.blocked > 0 && (
        <span>
          <StatusMark status={{ tone: "warn", shape: "bar" }} />
          <b>{grouped(states.blocked)}</b> blocked
        </span>
      )}
      {states.unknown > 0 && (
        <span>
          <StatusMark status={{ tone: "unknown", shape: "hatch" }} />
          <b>{grouped(states.unknown)}</b> unknown
        </span>
      )}
      {counts.ill > 0 && (
        <span>
          <StatusMark status={{ tone: "bad", shape: "triangle" }} />
          <b>{grouped(counts.ill)}</b> ill
        </span>
      )}
      <span className={classes.busy}>
        <b>{counts.util === null ? "?" : `${counts.util.toFixed(0)} %`}</b> busy
      </span>
    </div>
  );
}
