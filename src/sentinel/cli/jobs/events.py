"""`sentinel job events`: what happened to a job. Called by the table in `cli.app`.

The JSON is a list of events as in docs/queue.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sentinel.cli.columns import Column
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson, JobId
from sentinel.cli.local.duration_text import clock_text
from sentinel.cli.table import table_lines, table_width
from sentinel.core.timestamp import epoch

_COLUMNS = (
    Column(title="TIME"),
    Column(title="WHAT"),
    Column(title="TRY", right=True),
    Column(title="NODE", least=6, most=20),
    Column(title="DETAILS", least=8, sentence=True),
)


def command(job_id: JobId, as_json: AsJson = False) -> None:
    """Show what happened to a job, oldest first."""
    with connected() as client:
        found = client.job_events(job_id)
    if as_json:
        print_json(found)
        return
    if not found:
        print("nothing is known of it any more: events are kept for a while only")
        return
    print("\n".join(event_lines(found, table_width())))


def event_lines(events: Sequence[Mapping[str, Any]], width: int | None) -> list[str]:
    """The table, a heading first."""
    rows: list[tuple[str | None, ...]] = []
    for event in events:
        data: Mapping[str, Any] = event["data"]
        attempt = data.get("attempt")
        rows.append(
            (
                clock_text(epoch(event["time"])),
                str(event["type"]).removeprefix("sentinel.job."),
                str(attempt) if attempt else None,
                data.get("node"),
                data.get("reason") or data.get("why"),
            )
        )
    return table_lines(_COLUMNS, rows, width)
