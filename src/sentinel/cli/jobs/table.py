"""Jobs as a table, as people know it from squeue. Pure. Called by `sentinel job list`, `top`, `wait`."""

from collections import Counter
from collections.abc import Sequence

from sentinel.cli.columns import Column
from sentinel.cli.jobs.words import Job, age, gpus_text, node_of, run_time, state_paint
from sentinel.cli.table import table_lines

_COLUMNS = (
    Column(title="ID"),
    Column(title="USER", least=4, most=12),
    Column(title="NAME", least=6, most=24),
    Column(title="STATE"),
    Column(title="GPUS", right=True),
    Column(title="NODE", least=6, most=20),
    Column(title="AGE", right=True),
    Column(title="TIME", right=True),
    Column(title="REASON", least=8, sentence=True),
)


def job_lines(jobs: Sequence[Job], now: float, width: int | None, *, colours: bool = False) -> list[str]:
    """The table, a heading first."""
    rows = [
        (
            job["id"],
            job["owner"],
            job["name"],
            job["state"],
            gpus_text(job["spec"]),
            node_of(job),
            age(job, now),
            run_time(job, now),
            job["reason"],
        )
        for job in jobs
    ]
    paints = [state_paint(job["state"]) for job in jobs]
    return table_lines(_COLUMNS, rows, width, paints=paints, painted_column="STATE", colours=colours)


def summary(jobs: Sequence[Job]) -> str:
    """How many are in each state: "3 RUNNING, 5 QUEUED"."""
    counts = Counter(str(job["state"]) for job in jobs)
    order = ("RUNNING", "STARTING", "ALLOCATED", "QUEUED", "LOST", "SUCCEEDED", "FAILED", "CANCELED")
    return ", ".join(f"{counts[state]} {state}" for state in order if counts[state]) or "no jobs"
