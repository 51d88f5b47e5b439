"""`sentinel job show`: everything about one job. Called by the table in `cli.app`.

The JSON is that of `core.job_json`; times are RFC 3339 UTC, null is unknown or not yet.
"""

import sys

from sentinel.cli.colour import colours_on, painted
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson, JobId
from sentinel.cli.jobs.words import Job, age, command_text, exit_text, moment, node_of, run_time, state_paint
from sentinel.cli.local.duration_text import clock_text
from sentinel.cli.table import fact_lines
from sentinel.core.clock import wall
from sentinel.core.units import show_duration, show_size


def command(job_id: JobId, as_json: AsJson = False) -> None:
    """Show one job: what was asked for, where it is, how it ended."""
    with connected() as client:
        job = client.job(job_id)
    if as_json:
        print_json(job)
        return
    lines = show_lines(job, wall())
    state = lines[1]
    lines[1] = state.replace(
        job["state"], painted(job["state"], state_paint(job["state"]), on=colours_on(sys.stdout)), 1
    )
    print("\n".join(lines))


def show_lines(job: Job, now: float) -> list[str]:
    """A line for each thing that there is to know."""
    spec, cancel = job["spec"], job["cancel"]
    facts: list[tuple[str, str | None]] = [
        ("Job", job["id"]),
        ("State", job["state"]),
        ("Reason", job["reason"]),
        ("Exit", exit_text(job)),
        ("Name", job["name"]),
        ("Owner", job["owner"]),
        ("Submitted", f"{_time(job, 'submitted_at')} ({age(job, now)} ago)"),
        ("Started", _time(job, "started_at")),
        ("Ended", _time(job, "ended_at")),
        ("Ran for", run_time(job, now)),
        ("Node", node_of(job)),
        ("GPUs", _gpus(job)),
        ("Attempt", str(job["attempt"]) if job["attempt"] else None),
        ("Wanted", wanted_text(spec)),
        ("Priority", str(spec["priority"])),
        ("Time limit", show_duration(spec["time_limit"]) if spec["time_limit"] else "none"),
        ("If lost", spec["if_lost"]),
        ("Folder", spec["cwd"]),
        ("Command", command_text(job)),
    ]
    if cancel:
        why = f": {cancel['why']}" if cancel["why"] else ""
        facts.insert(4, ("Canceled by", f"{cancel['by']}{why}"))
    return fact_lines(facts)


def wanted_text(spec: Job) -> str:
    """Which GPUs were asked for: "2 GPUs, a100, 20 GiB each, on gpu-01"."""
    words = [f"{spec['gpus']} GPU{'s' if spec['gpus'] != 1 else ''}"]
    if spec["gpu_model"]:
        words.append(spec["gpu_model"])
    if spec["gpu_memory_bytes"]:
        words.append(f"{show_size(spec['gpu_memory_bytes'])} each")
    if spec["node"]:
        words.append(f"on {spec['node']}")
    return ", ".join(words)


def _gpus(job: Job) -> str | None:
    return ", ".join(job["gpus"]) if node_of(job) else None


def _time(job: Job, key: str) -> str | None:
    found = moment(job, key)
    return None if found is None else clock_text(found)
