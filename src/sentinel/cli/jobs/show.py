"""`sentinel job show`: everything about one job, or an array in short. Called by the table in `cli.app`.

The JSON is that of `core.job_json`, of a gang with its `parts`; of an array that of `client.jobs`. Times are
RFC 3339 UTC, null is unknown or not yet.
"""

import sys
from collections.abc import Mapping, Sequence
from shlex import quote
from typing import Any

from sentinel.cli.colour import colours_on, painted
from sentinel.cli.columns import Column
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson, JobId
from sentinel.cli.jobs.words import (
    Job,
    age,
    command_text,
    exit_text,
    gpus_text,
    moment,
    node_of,
    run_time,
    state_paint,
)
from sentinel.cli.local.duration_text import clock_text
from sentinel.cli.table import fact_lines, table_lines, table_width
from sentinel.cli.text_width import width_of
from sentinel.cli.text_wrap import wrapped
from sentinel.core.clock import wall
from sentinel.core.job import WHOLE
from sentinel.core.units import show_duration, show_size

_PART_COLUMNS = (
    Column(title="RANK", right=True),
    Column(title="NODE", least=6, most=40),
    Column(title="STATE"),
    Column(title="EXIT", right=True),
)


def command(job_id: JobId, as_json: AsJson = False) -> None:
    """Show one job: what was asked for, where it is, how it ended. Of an array: how many of its tasks did."""
    with connected() as client:
        job = client.find(job_id)
    if as_json:
        print_json(job)
        return
    if "states" in job:
        print("\n".join(array_lines(job, wall())))
        return
    lines = show_lines(job, wall(), table_width())
    state = lines[1]
    lines[1] = state.replace(
        job["state"], painted(job["state"], state_paint(job["state"]), on=colours_on(sys.stdout)), 1
    )
    print("\n".join(lines))


def show_lines(job: Job, now: float, width: int | None = None) -> list[str]:
    """A line for each thing that there is to know; more where it is longer than `width`."""
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
        *more_facts(job),
        ("Folder", spec["cwd"]),
        ("Command", command_text(job)),
    ]
    if cancel:
        facts.insert(4, ("Canceled by", _stopped(cancel)))
    lines = fact_lines(facts)
    if width is not None:
        indent = max(len(name) for name, _ in facts) + 2
        lines = [line for long in lines for line in _fitted(long, indent, width)]
    return [*lines, *part_lines(job.get("parts") or ())]


def _fitted(line: str, indent: int, width: int) -> list[str]:
    """`line` in several ones, below its value. A command or folder stays whole, for whoever copies it."""
    if width_of(line) <= width or line.startswith(("Folder", "Command")):
        return [line]
    first, *others = wrapped(line[indent:], width - indent)
    return [line[:indent] + first, *(" " * indent + other.strip() for other in others)]


def more_facts(job: Job) -> list[tuple[str, str | None]]:
    """What most jobs do not have: lines for what there is."""
    spec, array, part, preempt = job["spec"], job["array"], job["part"], job["preempt"]
    facts = [
        ("Waits for", ", ".join(_after(after) for after in job["after"])),
        ("Array", array and f"{array['id']}: number {array['index']} of {array['size']} tasks"),
        ("Part", part and f"rank {part['rank']} of {part['of']}, on {part['size']} nodes"),
        ("Makes room", preempt and _stopped(preempt)),
        ("Made room", job["preemptions"] and _times(job["preemptions"])),
        ("Retries", spec["retries"] and f"{job['failures']} of {spec['retries']} used"),
        ("Preemptible", spec["preemptible"] and "yes"),
        ("Checkpoint", " ".join(quote(word) for word in spec["checkpoint"])),
        ("Stopped by", spec["stop_signal"] != "TERM" and f"SIG{spec['stop_signal']}"),
        ("Singleton", spec["singleton"] and "yes"),
        ("Image", spec["image"]),
        ("Mounts", ", ".join(spec["mounts"])),
        ("Setup", "; ".join(spec["setup"])),
        ("Tells", ", ".join(spec.get("notify") or ())),
        ("Group", job["account"]),
    ]
    return [(name, str(found)) for name, found in facts if found]


def part_lines(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    """A gang's nodes: a table, and how to read what each wrote."""
    if not parts:
        return []
    rows = [
        (
            str(part["rank"]),
            part["node"],
            part["state"],
            None if part["exit_code"] is None else str(part["exit_code"]),
        )
        for part in parts
    ]
    gang = str(parts[0]["id"]).partition(".")[0]
    return [
        "",
        *table_lines(_PART_COLUMNS, rows, table_width()),
        "",
        f"what one of them wrote: sentinel job logs {gang} --rank {rows[-1][0]}",
    ]


def array_lines(array: Mapping[str, Any], now: float) -> list[str]:
    """What an array has come to."""
    size, most = array["array"]["size"], array["array"]["limit"]
    at_once = f", {most} at once" if most is not None else ""
    counts = ", ".join(f"{count} {state}" for state, count in array["states"].items())
    facts = [
        ("Array", f"{array['id']}: {size} task{'s' if size != 1 else ''}{at_once}"),
        ("States", counts),
        ("Name", array["name"]),
        ("Owner", array["owner"]),
        ("Submitted", f"{_time(array, 'submitted_at')} ({age(array, now)} ago)"),
    ]
    return [*fact_lines(facts), "", f"each of them: sentinel job list --array {array['id']}"]


def wanted_text(spec: Job) -> str:
    """Which GPUs were asked for: "2 GPUs, a100, 20 GiB each, on gpu-01"."""
    words = [f"{spec['gpus']} GPU{'s' if spec['gpus'] != 1 else ''}"]
    if spec["gpu_milli"] < WHOLE:
        words = [f"{gpus_text(spec)} of a GPU"]
    if spec["nodes"] > 1:
        words = [f"{spec['nodes']} nodes", f"{words[0]} on each"]
    if spec["gpu_model"]:
        words.append(spec["gpu_model"])
    if spec["gpu_memory_bytes"]:
        words.append(f"{show_size(spec['gpu_memory_bytes'])} each")
    if spec["node"]:
        words.append(f"on {spec['node']}")
    if spec["cpus"]:
        words.append(f"{spec['cpus']} CPU{'s' if spec['cpus'] != 1 else ''}")
    if spec["memory_bytes"]:
        words.append(f"{show_size(spec['memory_bytes'])} of memory")
    return ", ".join(words)


def _gpus(job: Job) -> str | None:
    return ", ".join(job["gpus"]) if node_of(job) else None


def _time(job: Job, key: str) -> str | None:
    found = moment(job, key)
    return None if found is None else clock_text(found)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _stopped(asked: Mapping[str, Any]) -> str:
    return f"{asked['by']}{': ' + asked['why'] if asked['why'] else ''}"


def _after(after: Mapping[str, Any]) -> str:
    ends = {"ok": "to succeed", "any": "to end", "notok": "to fail"}
    return f"{after['job']} {ends[after['kind']]}"
