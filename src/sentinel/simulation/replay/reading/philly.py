"""Microsoft's Philly jobs, as the Pollux and ElasticFlow artifacts keep them. In the table of `formats`.

Their virtual cluster stands for their owner: the trace has no users. It has no queueing delay either: what
a job waited is not in it.
"""

from datetime import UTC, datetime
from pathlib import Path

from sentinel.simulation.replay.reading.rows import Row, csv_rows
from sentinel.simulation.replay.trace import Trace, TraceJob, trace_of

COLUMNS = ("timestamp", "duration", "num_gpus", "cluster")


def read(path: Path) -> Trace:
    """UsageError when it is no such file."""
    return trace_of([_job(row) for row in csv_rows(path, COLUMNS)], {})


def _job(row: Row) -> TraceJob:
    return TraceJob(
        id=f"philly-{row.line}",
        owner=row.text("cluster"),
        submit=_moment(row),
        run=row.seconds("duration"),
        gpus=row.whole("num_gpus", most=4096),
    )


def _moment(row: Row) -> float:
    """Local time of a place that is not told: only what lies between two of them counts."""
    try:
        return datetime.fromisoformat(row.cells["timestamp"]).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise row.wrong("timestamp", "a time like 2017-10-03 12:00:00 is expected") from None
