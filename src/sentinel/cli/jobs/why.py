"""`sentinel job why`: why a job waits, and who has what it waits for. Called by the table in `cli.app`.

The JSON is that of `GET jobs/ID/why` (docs/queue.md).
"""

from collections.abc import Mapping
from typing import Any

from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson, JobId
from sentinel.cli.local.gpu_table import width_here
from sentinel.cli.plain import one_line
from sentinel.cli.text_wrap import wrapped


def command(job_id: JobId, as_json: AsJson = False) -> None:
    """Say why a job waits: what blocks it, who holds it, how many jobs are ahead."""
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
        lines += wrapped(f"- {_holding(held)}{': ' + why if why else ''}", width)
    if found["ahead"]:
        many = found["ahead"] != 1
        lines.append(f"{found['ahead']} job{'s' if many else ''} {'are' if many else 'is'} ahead of it")
    return lines


def _holding(held: Mapping[str, Any]) -> str:
    count = len(held["gpus"])
    gpus = f"{count} GPU{'s' if count != 1 else ''}"
    if held.get("job"):
        return f"job {held['job']} has {gpus}"
    return f"{gpus} {'is' if count == 1 else 'are'} {one_line(str(held.get('what') or '?'))}"
