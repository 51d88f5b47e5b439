"""`sentinel why` and `sentinel job why`: why a job waits, who has what it waits for, when it may begin.

Called by the table in `cli.app`.

The JSON is that of `GET jobs/ID/why` (docs/queue.md).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson, JobId
from sentinel.cli.local.duration_text import clock_text
from sentinel.cli.local.gpu_table import width_here
from sentinel.cli.plain import one_line
from sentinel.cli.text_wrap import wrapped
from sentinel.core.job import JobState
from sentinel.core.timestamp import epoch

_IT_WOULD = "it would start now "  # which the heading says already


def command(job_id: JobId, as_json: AsJson = False) -> None:
    """Say why a job waits: what blocks it, who holds it until when, how many jobs are ahead.

    And when it may begin, what that is from, and what would let it begin now.
    """
    with connected() as client:
        found = client.why(job_id)
    if as_json:
        print_json(found)
        return
    print("\n".join(why_lines(found, width_here())))


def why_lines(found: Mapping[str, Any], width: int) -> list[str]:
    """Sentences, the most important first."""
    reason = one_line(str(found["reason"] or ""))
    lines = wrapped(f"{found['id']} is {found['state']}{': ' + reason if reason else ''}", width)
    for held in found["held_by"]:
        why = one_line(str(held["why"] or ""))
        lines += wrapped(f"- {_holding(held)}{_until(held)}{': ' + why if why else ''}", width)
    if found["ahead"]:
        many = found["ahead"] != 1
        lines.append(f"{found['ahead']} job{'s' if many else ''} {'are' if many else 'is'} ahead of it")
    if found["state"] == JobState.QUEUED:
        lines += wrapped(_start(found), width)
    changes: Sequence[Mapping[str, Any]] = found.get("would_start_now_if") or ()
    if changes:
        lines.append("What would let it begin now:")
        for one in changes:
            lines += wrapped(f"- {one_line(str(one['says'] or '')).removeprefix(_IT_WOULD)}", width)
    return lines


def _until(held: Mapping[str, Any]) -> str:
    """For how long, where that is known."""
    at = held.get("until")
    return f" until {clock_text(epoch(at))}" if at else ""


def _start(found: Mapping[str, Any]) -> str:
    at, basis = found.get("estimated_start"), one_line(str(found.get("basis") or ""))
    if at is None:
        return f"when it begins cannot be told{': ' + basis if basis else ''}"
    return f"it may begin at {clock_text(epoch(at))}{': ' + basis if basis else ''}"


def _holding(held: Mapping[str, Any]) -> str:
    count = len(held["gpus"])
    gpus = f"{count} GPU{'s' if count != 1 else ''}"
    if held.get("job"):
        return f"job {held['job']} has {gpus}"
    return f"{gpus} {'is' if count == 1 else 'are'} {one_line(str(held.get('what') or '?'))}"
