"""A Slurm cluster as nouns: nodes, jobs, statistics of the scheduler; and what Slurm's words mean. Pure.

The drivers of `drivers/slurm` make them, `telemetry.slurm_totals` counts them. Slurm says the state of a node
or a job in several words at once (MIXED+DRAIN+NOT_RESPONDING); here each is in one state, the one that
`sinfo` and `squeue` show. None is unknown everywhere, never zero.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

UNKNOWN = "unknown"

_BASES = ("IDLE", "MIXED", "ALLOCATED", "DOWN", "ERROR", "FUTURE", "UNKNOWN")
_SAME = {
    "ALLOC": "ALLOCATED",
    "MIX": "MIXED",
    "COMP": "COMPLETING",
    "DRAINED": "DRAIN",
    "DRAINING": "DRAIN",
    "MAINT": "MAINTENANCE",
    "NO_RESPOND": "NOT_RESPONDING",
    "POWER_DOWN": "POWERED_DOWN",
    "POWER_UP": "POWERING_UP",
    "INVAL": "INVALID_REG",
    "REBOOT": "REBOOT_ISSUED",
}
# Signs that `sinfo` and `scontrol` put behind a state.
_SIGNS = {
    "*": "NOT_RESPONDING",
    "~": "POWERED_DOWN",
    "#": "POWERING_UP",
    "%": "POWERING_DOWN",
    "$": "MAINTENANCE",
    "@": "REBOOT_REQUESTED",
    "^": "REBOOT_ISSUED",
    "-": "PLANNED",
    "!": "",
    "+": "",
}
_OUT_OF_SERVICE = frozenset(
    "down drained draining fail failing error maint reboot invalid future unknown".split()
)
# What of a job's words `squeue` shows rather than the state itself, first things first.
_JOB_FLAGS = tuple(
    "COMPLETING STAGE_OUT CONFIGURING RESIZING REQUEUED REQUEUE_FED REQUEUE_HOLD SPECIAL_EXIT STOPPED "
    "REVOKED RESV_DEL_HOLD SIGNALING".split()
)
_TASKS = re.compile(r"(\d{1,9})(?:-(\d{1,9})(?::(\d{1,9}))?)?")
_GRES = re.compile(r"(?:gres[:/])?gpu(?::([^:=]+))?[:=](\d{1,9})([KMG]?)", re.IGNORECASE)
_GRES_NAME = re.compile(r"(?:gres[:/])?gpu(?::[^:=\d][^:=]*)?", re.IGNORECASE)
_PARENTHESES = re.compile(r"\([^()]*\)")
_NO_GRES = ("", "(null)", "n/a", "none")
_THOUSANDS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


class Part(StrEnum):
    """What a cluster is asked for, each on its own: one may fail where the others do not."""

    NODES = "nodes"
    JOBS = "jobs"
    SCHEDULER = "scheduler"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmNode:
    """`state` is one lower-case word; `usable`: whether what is free there may be given to jobs.

    `gpus` by type, "" where Slurm knows none.
    """

    name: str
    state: str
    usable: bool
    cpus: int | None = None
    cpus_allocated: int | None = None
    gpus: Mapping[str, int] | None = None
    gpus_allocated: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmJob:
    """A job, or the tasks of an array that still wait together.

    `tasks` is how many; None where Slurm has cut their list short.
    """

    state: str
    partition: str | None = None
    user: str | None = None
    account: str | None = None
    tasks: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcStats:
    """Calls of one type, or of one user, that the controller has answered; `seconds` in all."""

    name: str
    count: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerStats:
    """What `sdiag` says. Times in seconds, moments in seconds since the epoch; counts since `since`, but for
    `backfilled_jobs`, which counts from the start of slurmctld."""

    since: float | None = None
    server_threads: float | None = None
    agent_queue: float | None = None
    agents: float | None = None
    agent_threads: float | None = None
    dbd_agent_queue: float | None = None
    jobs_submitted: float | None = None
    jobs_started: float | None = None
    jobs_completed: float | None = None
    jobs_canceled: float | None = None
    jobs_failed: float | None = None
    cycles: float | None = None
    cycle_last: float | None = None
    cycle_mean: float | None = None
    cycle_max: float | None = None
    cycle_mean_depth: float | None = None
    queue_length: float | None = None
    backfilled_jobs: float | None = None
    backfill_cycles: float | None = None
    backfill_cycle_last: float | None = None
    backfill_cycle_mean: float | None = None
    backfill_cycle_max: float | None = None
    backfill_depth_mean: float | None = None
    backfill_queue_length: float | None = None
    backfill_last_at: float | None = None
    rpcs: tuple[RpcStats, ...] = ()
    user_rpcs: tuple[RpcStats, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What became of one question; `error` is None when it was answered."""

    source: str
    part: Part
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmReading:
    """One look at a cluster. A part that could not be read is None; `asked` says why, and who answered."""

    nodes: tuple[SlurmNode, ...] | None = None
    jobs: tuple[SlurmJob, ...] | None = None
    scheduler: SchedulerStats | None = None
    version: str | None = None
    asked: tuple[Asked, ...] = field(default=())

    @property
    def answered(self) -> bool:
        """Whether anything could be read."""
        return not (self.nodes is None and self.jobs is None and self.scheduler is None)


def node_state(words: Iterable[str]) -> tuple[str, bool]:
    """Of a node that is in all these states at once: the one that counts, and whether jobs may come.

    Words as any version writes them, with the signs of `sinfo` or without: ("MIXED", "DRAIN"), ("idle*",).
    """
    said = _plain_words(words)
    base = next((word for word in _BASES if word in said), "UNKNOWN")
    busy = base in ("ALLOCATED", "MIXED") or "COMPLETING" in said
    state = _node_state(said, base, busy=busy)
    return state, state not in _OUT_OF_SERVICE and "NOT_RESPONDING" not in said


def _plain_words(words: Iterable[str]) -> set[str]:
    said: set[str] = set()
    for word in words:
        plain = word.strip().upper()
        while plain and plain[-1] in _SIGNS:
            said.add(_SIGNS[plain[-1]])
            plain = plain[:-1]
        said.add(_SAME.get(plain, plain))
    return said


def _node_state(said: set[str], base: str, *, busy: bool) -> str:
    held = busy or base == "DOWN" or "DRAIN" in said
    if "MAINTENANCE" in said and not held:
        return "maint"
    if "REBOOT_ISSUED" in said and not held:
        return "reboot"
    if "DRAIN" in said:
        return "draining" if busy else "drained"
    if "FAIL" in said:
        return "failing" if busy else "fail"
    if "INVALID_REG" in said:
        return "invalid"
    if base in ("DOWN", "ERROR", "ALLOCATED"):
        return base.lower()
    for flag in ("COMPLETING", "POWERED_DOWN", "POWERING_DOWN", "POWERING_UP"):
        if flag in said and base != "MIXED":
            return flag.lower()
    if base == "IDLE":
        return next((flag.lower() for flag in ("RESERVED", "PLANNED") if flag in said), "idle")
    return base.lower()


def job_state(words: Iterable[str]) -> str:
    """Of a job that is in all these states at once, the one that `squeue` shows."""
    said = [word.strip().upper() for word in words if word.strip()]
    for flag in _JOB_FLAGS:
        if flag in said:
            return flag.lower()
    return said[0].lower() if said else UNKNOWN


def array_tasks(text: str) -> int | None:
    """How many tasks "1-5,7,10-20:2%3" or "0x1F" names. None when it was cut short, or is no such list."""
    listed = text.strip().strip("[]").partition("%")[0]
    if listed.lower().startswith("0x"):
        digits = listed[2:]
        return int(digits, 16).bit_count() if re.fullmatch(r"[0-9A-Fa-f]+", digits) else None
    total = 0
    for part in listed.split(","):
        found = _TASKS.fullmatch(part.strip())
        if found is None:
            return None
        first, last, step = int(found[1]), int(found[2] or found[1]), int(found[3] or 1)
        if last < first or step < 1:
            return None
        total += (last - first) // step + 1
    return total


def gpus_of(gres: str) -> Mapping[str, int] | None:
    """GPUs by type in Slurm's words: "gpu:h100:4(S:0-1),gpu:2,mps:400", "gres/gpu:a100=2".

    None when that is not understood. Types keep their spelling. What is no GPU is passed over.
    """
    found: dict[str, int] = {}
    if gres.strip().lower() in _NO_GRES:
        return found
    for one in _PARENTHESES.sub("", gres).split(","):
        entry = one.strip().replace(":no_consume", "")
        if re.match(r"(?:gres[:/])?gpu(?:[:=]|$)", entry, re.IGNORECASE) is None:
            continue
        read = _GRES.fullmatch(entry)
        if read is not None:
            kind, count = read[1] or "", int(read[2]) * _THOUSANDS[read[3].upper()]
        elif _GRES_NAME.fullmatch(entry):  # no number is one
            kind, count = entry.rpartition("gpu")[2].lstrip(":"), 1
        else:
            return None
        found[kind] = found.get(kind, 0) + count
    return found
