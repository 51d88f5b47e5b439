"""What of a job is shown, and how: states, times, where it is. Pure. Called by the views in `cli.jobs`."""

from collections.abc import Mapping
from shlex import quote
from typing import Any

from sentinel.cli.colour import Paint
from sentinel.cli.local.duration_text import age_since, age_text
from sentinel.cli.table import UNKNOWN
from sentinel.core.job import WHOLE, JobState
from sentinel.core.timestamp import epoch

Job = Mapping[str, Any]

LIVE = tuple(state.value for state in JobState if not state.ended)
ENDED = tuple(state.value for state in JobState if state.ended)

_PAINTS = {
    "RUNNING": Paint.GOOD,
    "STARTING": Paint.GOOD,
    "FAILED": Paint.BAD,
    "LOST": Paint.BAD,
    "QUEUED": Paint.NOTICE,
    "ALLOCATED": Paint.NOTICE,
    "CANCELED": Paint.DIM,
}


def state_paint(state: str) -> Paint:
    return _PAINTS.get(state, Paint.PLAIN)


def moment(job: Job, key: str) -> float | None:
    """One of its times (epoch)."""
    found = job.get(key)
    return epoch(found) if isinstance(found, str) else None


def run_time(job: Job, now: float) -> str | None:
    """How long it runs or ran. None before it began; "?" while that is not known."""
    start, end, state = moment(job, "started_at"), moment(job, "ended_at"), job["state"]
    if state in ENDED:
        return None if start is None or end is None else age_text(end - start)
    if state == JobState.LOST:
        return UNKNOWN
    return age_since(start, now) if state == JobState.RUNNING else None


def age(job: Job, now: float) -> str:
    """How long ago it was submitted."""
    return age_since(moment(job, "submitted_at"), now)


def node_of(job: Job) -> str | None:
    """Where it is or was; nowhere while it waits."""
    return None if job["state"] == JobState.QUEUED else job.get("node")


def gpus_text(spec: Job) -> str:
    """How many GPUs were asked for, on all nodes: "16"; a share of one: "0.5"."""
    if spec["gpu_milli"] < WHOLE:
        return f"{spec['gpu_milli'] / WHOLE:g}"
    return str(spec["gpus"] * spec["nodes"])


def command_text(job: Job) -> str:
    """Its command as a shell would take it."""
    return " ".join(quote(word) for word in job["spec"]["command"])


def exit_text(job: Job) -> str | None:
    """How it ended, in a word or two. None while it has not."""
    if job["state"] not in ENDED:
        return None
    if job["exit_code"] is not None:
        return str(job["exit_code"])
    if job["signal"] is not None:
        return f"signal {job['signal']}"
    return UNKNOWN if job.get("started_at") else None


def status_of(job: Job) -> int:
    """The exit status for whoever ran it: its own; 128 and the signal; 1 when neither is known.

    1, too, when it ended with 0 because it was stopped: it did not do what it was to do.
    """
    if job["exit_code"] is not None:
        return int(job["exit_code"]) or int(job["state"] != "SUCCEEDED")
    return 1 if job["signal"] is None else 128 + int(job["signal"])


def matches_state(text: str) -> str | None:
    """The state that was meant by `text`, whatever its case."""
    found = text.upper()
    found = "CANCELED" if found == "CANCELLED" else found
    return found if found in (*LIVE, *ENDED) else None
