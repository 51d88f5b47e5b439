"""`sentinel history export`: a metric over time into a file. Called by the table in `cli.app`.

The JSON is {"file", "rows": N, "series": N}.
"""

from pathlib import Path
from typing import Annotated

import typer

from sentinel.cli.controller import connected, print_json
from sentinel.cli.history import options
from sentinel.cli.history.asking import question
from sentinel.cli.history.new_file import refuse_existing, write_new
from sentinel.cli.history.series_file import kind_of, write_series
from sentinel.cli.history.words import nothing_text
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.plain import one_line
from sentinel.core.clock import wall
from sentinel.core.errors import SentinelError


def command(
    metric: options.Metric,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to: a name in .csv or .parquet.")
    ],
    node: options.Node = None,
    gpu: options.Gpu = None,
    user: options.User = None,
    job: options.Job = None,
    workload: options.Workload = None,
    match: options.Match = None,
    since: options.Since = None,
    until: options.Until = None,
    step: options.Step = None,
    how: options.HowOption = options.How.AVG,
    by: options.By = None,
    force: options.Force = False,
    as_json: AsJson = False,
) -> None:
    """Write a metric over time into a CSV or Parquet file, a row for each point.

    Chosen as in sentinel history query. Times in it are UTC; an empty value is unknown. Text is quoted, and
    written as it is: import it into a spreadsheet as text.
    """
    kind = kind_of(output)
    refuse_existing(output, force=force)
    asked = question(
        wall(),
        metric=metric,
        node=node,
        gpu=gpu,
        user=user,
        job=job,
        workload=workload,
        match=match,
        since=since,
        until=until,
        step=step,
        how=how,
        by=by,
    )
    with connected() as client:
        answers = asked.ask_all(client)
    named = {tuple(sorted(one["labels"].items())) for answer in answers for one in answer["series"]}
    if not named:
        raise SentinelError(nothing_text(answers[0]))
    rows = 0

    def fill(path: Path) -> None:
        nonlocal rows
        rows = write_series(path, kind, answers)

    write_new(output, fill, force=force)
    if as_json:
        print_json({"file": str(output), "rows": rows, "series": len(named)})
    else:
        print(one_line(f"{output}: {rows} rows of {len(named)} series"))
