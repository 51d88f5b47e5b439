"""What `squeue`, `scontrol show node` and `sdiag` print, into nouns. Pure.

Called by `cli`. Everything here raises ValueError, saying what is odd.

    squeue -h -t all -o "MARK %i|%T|%P|%u|%a"
    scontrol show node -d -o        one line a node: NodeName=… Gres=… GresUsed=… State=IDLE+DRAIN … Reason=…
    sdiag                           "Label: value" in sections, and a table of calls

An account may be called anything, line breaks and "|" included, where no database of accounts says otherwise.
So it comes last, and each job begins with a MARK that nobody could know beforehand.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from sentinel.core.slurm import (
    RpcStats,
    SchedulerStats,
    SlurmJob,
    SlurmNode,
    array_tasks,
    gpus_of,
    job_state,
    node_state,
)
from sentinel.drivers.slurm.json_answer import allocated_gpus, seconds

QUEUE_FORMAT = "%i|%T|%P|%u|%a"
_FIELDS = QUEUE_FORMAT.count("|")
_NOTHING = ("", "(null)", "N/A")
_KEY = re.compile(r"(?:^|\s)([A-Za-z][A-Za-z0-9_:]*)=")
_EPOCH = re.compile(r"\((\d+)\)\s*$")
_RPC = re.compile(r"\s+(\S.*?)\s+\(\s*\d+\)\s+count:(\d+)\s+ave_time:\d+\s+total_time:(\d+)\s*$")
_MAIN, _BACKFILL = "Main schedule statistics", "Backfilling stats"
_BY_TYPE = "Remote Procedure Call statistics by message type"
_BY_USER = "Remote Procedure Call statistics by user"
# (section, label in sdiag's text) → field of SchedulerStats. The first section has no name.
_COUNTS = {
    ("", "Server thread count"): "server_threads",
    ("", "Agent queue size"): "agent_queue",
    ("", "Agent count"): "agents",
    ("", "Agent thread count"): "agent_threads",
    ("", "DBD Agent queue size"): "dbd_agent_queue",
    ("", "Jobs submitted"): "jobs_submitted",
    ("", "Jobs started"): "jobs_started",
    ("", "Jobs completed"): "jobs_completed",
    ("", "Jobs canceled"): "jobs_canceled",
    ("", "Jobs failed"): "jobs_failed",
    (_MAIN, "Total cycles"): "cycles",
    (_MAIN, "Mean depth cycle"): "cycle_mean_depth",
    (_MAIN, "Last queue length"): "queue_length",
    (_BACKFILL, "Total backfilled jobs (since last slurm start)"): "backfilled_jobs",
    (_BACKFILL, "Total cycles"): "backfill_cycles",
    (_BACKFILL, "Depth Mean"): "backfill_depth_mean",
    (_BACKFILL, "Last queue length"): "backfill_queue_length",
}
_DURATIONS = {
    (_MAIN, "Last cycle"): "cycle_last",
    (_MAIN, "Mean cycle"): "cycle_mean",
    (_MAIN, "Max cycle"): "cycle_max",
    (_BACKFILL, "Last cycle"): "backfill_cycle_last",
    (_BACKFILL, "Mean cycle"): "backfill_cycle_mean",
    (_BACKFILL, "Max cycle"): "backfill_cycle_max",
}


def jobs_from(text: str, mark: str) -> tuple[SlurmJob, ...]:
    """The jobs of `squeue`, told to begin each with `mark` and a space."""
    before, *records = re.split(rf"^{re.escape(mark)} ", text, flags=re.MULTILINE)
    if before.strip():
        raise ValueError(f"squeue prints something else than jobs: {before.strip()[:80]!r}")
    return tuple(_job(record.removesuffix("\n")) for record in records)


def _job(record: str) -> SlurmJob:
    fields = record.split("|", _FIELDS)
    if len(fields) <= _FIELDS:
        raise ValueError(f"squeue prints no job here: {record[:80]!r}")
    number, state, partition, user, account = fields
    _, bracket, tasks = number.partition("_[")
    return SlurmJob(
        state=job_state((state,)),
        partition=_known(partition),
        user=_known(user),
        account=_known(account),
        tasks=array_tasks(tasks) if bracket else 1,
    )


def _known(text: str) -> str | None:
    return None if text.strip() in _NOTHING else text.strip()


def nodes_from(text: str) -> tuple[SlurmNode, ...]:
    """The nodes of `scontrol show node -d -o`."""
    if text.strip().lower().startswith("no nodes in the system"):
        return ()
    # What somebody wrote as a node's reason may have line breaks.
    before, *records = re.split(r"^(?=NodeName=)", text, flags=re.MULTILINE)
    if before.strip() or not records:
        raise ValueError(f"scontrol prints something else than nodes: {text.strip()[:80]!r}")
    return tuple(_node(_pairs(record)) for record in records)


def _pairs(record: str) -> Mapping[str, str]:
    """The first of each key: free text, which may look like more of them, comes last."""
    found: dict[str, str] = {}
    keys = list(_KEY.finditer(record))
    for place, key in enumerate(keys):
        end = keys[place + 1].start() if place + 1 < len(keys) else len(record)
        found.setdefault(key[1], record[key.end() : end].strip())
    return found


def _node(said: Mapping[str, str]) -> SlurmNode:
    state, usable = node_state(said.get("State", "").split("+"))
    gpus = gpus_of(said["Gres"]) if "Gres" in said else None
    used = said.get("GresUsed")
    return SlurmNode(
        name=said["NodeName"],
        state=state,
        usable=usable,
        cpus=_count(said.get("CPUTot")),
        cpus_allocated=_count(said.get("CPUAlloc")),
        gpus=gpus,
        gpus_allocated=allocated_gpus(
            gpus, None if used in (None, *_NOTHING) else used, said.get("AllocTRES")
        ),
    )


def _count(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"\d{1,18}", text) else None


def scheduler_from(text: str) -> SchedulerStats:
    """The statistics of `sdiag`."""
    if "Server thread count" not in text:
        raise ValueError(f"sdiag prints something else than statistics: {text.strip()[:80]!r}")
    values: dict[str, float | None] = {}
    for section, line in _sections(text):
        label, _, value = line.strip().partition(":")
        key = section, label.strip()
        if key in _COUNTS:
            values.setdefault(_COUNTS[key], _count(value.strip()))
        elif key in _DURATIONS:
            values.setdefault(_DURATIONS[key], seconds(_count(value.strip())))
        elif key == (_BACKFILL, "Last cycle when"):
            values.setdefault("backfill_last_at", _moment(value))
        elif not section and line.startswith("Data since"):
            values.setdefault("since", _moment(line))
    return SchedulerStats(
        **cast("Any", values), rpcs=tuple(_rpcs(text, _BY_TYPE)), user_rpcs=tuple(_rpcs(text, _BY_USER))
    )


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """(the heading that it stands under, line)."""
    section = ""
    for line in text.splitlines():
        heading = line.partition("(")[0].strip()
        if heading in (_MAIN, _BACKFILL, _BY_TYPE, _BY_USER) or heading.startswith(
            ("Pending RPC", "Latency")
        ):
            section = heading
        else:
            yield section, line


def _moment(text: str) -> float | None:
    """Dates come with the seconds since the epoch in parentheses; 0: never."""
    found = _EPOCH.search(text)
    return (float(found[1]) or None) if found else None


def _rpcs(text: str, section: str) -> Iterator[RpcStats]:
    for heading, line in _sections(text):
        found = _RPC.match(line) if heading == section else None
        if found:
            yield RpcStats(name=found[1], count=float(found[2]), seconds=seconds(float(found[3])))
