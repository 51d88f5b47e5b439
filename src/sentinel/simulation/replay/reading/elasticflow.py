"""Jobs as the ElasticFlow artifact keeps them: its logs of a run, and its inputs. In the table of `formats`.

How long a job ran, `executed_time` or `duration`, is for as many GPUs as `num_gpu` says. Under a policy that
gave it another number than that, it would not be: take the log of one that did not.
"""

from pathlib import Path

from sentinel.simulation.replay.reading.rows import Row, csv_rows
from sentinel.simulation.replay.trace import Trace, TraceJob, trace_of

COLUMNS = ("job_id", "num_gpu", "submit_time")


def read(path: Path) -> Trace:
    """UsageError when it is no such file."""
    return trace_of([_job(row) for row in csv_rows(path, COLUMNS)], {})


def _job(row: Row) -> TraceJob:
    column = "executed_time" if "executed_time" in row.cells else "duration"
    if column not in row.cells:
        raise row.wrong(column, "there is neither an executed_time nor a duration")
    return TraceJob(
        id=row.text("job_id"),
        owner=row.cells.get("model_name") or "everybody",
        submit=row.seconds("submit_time"),
        run=row.seconds(column),
        gpus=row.whole("num_gpu", least=1, most=4096),
    )
