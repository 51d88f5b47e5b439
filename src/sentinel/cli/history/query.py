"""`sentinel history query`. Called by the table in `cli.app`.

The JSON is a list of {"metric", "labels": {…}, "points": [[EPOCH, VALUE | null]…]}. A point speaks of the
time from its own up to the next one's; null is unknown.
"""

import sys

from sentinel.cli.controller import connected, note, print_json
from sentinel.cli.history import options
from sentinel.cli.history.asking import question
from sentinel.cli.history.chart import chart_lines
from sentinel.cli.history.sparkline import levels_for
from sentinel.cli.history.words import nothing_text
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.plain import one_line
from sentinel.cli.table import table_width
from sentinel.core.clock import wall


def command(
    metric: options.Metric,
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
    as_json: AsJson = False,
) -> None:
    """Show a metric over time: of nodes, GPUs, users, jobs. Times are this machine's.

    Without --since the last hour; of a job or a workload, all of it. Where nothing was measured the line has
    a gap. With --by, what is put together is each series' mean over a step: --how sum --by user.
    """
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
        found = asked.ask(client)
    if as_json:
        print_json([{"metric": found["metric"], **one} for one in found["series"]])
    elif not found["series"]:
        print(one_line(nothing_text(found)))
    else:
        print("\n".join(chart_lines(found, table_width(), levels_for(sys.stdout.encoding))))
    if found["truncated"]:
        note("there are more series than one answer takes: choose with --node, --user, --match, or a --by")
