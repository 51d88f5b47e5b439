"""`sentinel simulate trace`: what the queue would look like on other machines, or under another policy.

Called by the table in `cli.app`. What is replayed, and how, is in `simulation.replay`.

The JSON is {"trace": {"jobs": N, "left_out": {WHY: N}, "notes": […]}, "runs": [{"name", …figures, "passes",
"seconds"}…]}; figures as in `simulation.replay.figures`, times in seconds.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from sentinel.cli.controller import PATIENCE, note, print_json
from sentinel.cli.local.simulate.trace_table import figure_lines
from sentinel.cli.table import table_width
from sentinel.core.account import Account
from sentinel.core.clock import monotonic
from sentinel.core.errors import SentinelError, UsageError
from sentinel.simulation.replay.accounts_file import read_accounts, weights_of
from sentinel.simulation.replay.chart import MOST_RUNS, chart
from sentinel.simulation.replay.cluster import Cluster, cluster_of, read_cluster
from sentinel.simulation.replay.engine import Replayed, replay
from sentinel.simulation.replay.figures import Figures, figures_of
from sentinel.simulation.replay.policies import policy_named
from sentinel.simulation.replay.reading.formats import read_trace
from sentinel.simulation.replay.result import write_jobs
from sentinel.simulation.replay.trace import Limits, Trace, fitted, limits_from


def command(
    trace: Annotated[Path, typer.Argument(metavar="FILE", help="The jobs, plain or packed with gzip.")],
    nodes: Annotated[
        str | None, typer.Option("--nodes", metavar="NODES", help="Like 16x8xH100,4x8xA100-80GB.")
    ] = None,
    cluster: Annotated[
        Path | None,
        typer.Option("--cluster", metavar="FILE", help="Or a file: TOML, JSON, or openb's list of nodes."),
    ] = None,
    add: Annotated[
        list[str] | None,
        typer.Option("--add", metavar="NODES", help="The same with more nodes beside it; repeatable."),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            "--policy", metavar="NAME", help="sentinel, fifo, fifo-backfill or fair-greedy; repeatable."
        ),
    ] = None,
    limits: Annotated[
        str,
        typer.Option(
            "--limits", metavar="WHICH", help="Time limits: asked, none, true, or so many times true: 1.5."
        ),
    ] = "asked",
    accounts: Annotated[
        Path | None,
        typer.Option("--accounts", metavar="FILE", help="Weights and limits: sentinel quota list --json."),
    ] = None,
    any_gpu: Annotated[
        bool, typer.Option("--any-gpu", help="Whichever model and memory jobs asked for.")
    ] = False,
    format: Annotated[
        str | None, typer.Option("--format", metavar="NAME", help="Of the trace, where it is not found out.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write what became of each job: JSON lines.")
    ] = None,
    picture: Annotated[Path | None, typer.Option("--chart", metavar="FILE", help="Draw it, as SVG.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Replay a trace of jobs on a cluster, with the scheduler itself and a simulated clock.

    Jobs are our own (sentinel job list --all --limit 1000000 --json), Slurm's (sacct -P or --json), or the
    public traces openb, philly and elasticflow. Each is submitted when it was, and takes as long as it took.
    """
    machines = _machines(nodes, cluster)
    clusters = [(machines, ""), *((machines.with_more(cluster_of(more)), f" +{more}") for more in add or ())]
    policies = [policy_named(name) for name in dict.fromkeys(policy or ("sentinel",))]
    if picture is not None and len(clusters) * len(policies) > MOST_RUNS:
        raise UsageError(f"--chart shows at most {MOST_RUNS} runs; leave out some --policy or --add")
    rule, known = limits_from(limits), () if accounts is None else read_accounts(accounts)
    found = read_trace(trace, format)
    runs: list[tuple[str, Replayed, Figures, float]] = []
    for one, more in clusters:
        jobs = _fit(found, one, rule, any_gpu=any_gpu)
        for chosen in policies:
            name = f"{chosen.name}{more}"
            begun = monotonic()
            replayed = replay(jobs.jobs, one, chosen, known, _progress(name, begun))
            seconds = round(monotonic() - begun, 2)
            runs.append((name, replayed, _figures(replayed, known), seconds))
    if sys.stderr.isatty():
        print("\x1b[K", end="", file=sys.stderr, flush=True)
    if out is not None:
        write_jobs(out, [(name, replayed.ran) for name, replayed, _, _ in runs])
    if picture is not None:
        _write(picture, chart(trace.name, [(name, replayed) for name, replayed, _, _ in runs]))
    jobs = _fit(found, machines, rule, any_gpu=any_gpu)
    if as_json:
        told = {"jobs": len(jobs.jobs), "left_out": dict(jobs.left_out), "notes": list(jobs.notes)}
        print_json(
            {
                "trace": told,
                "runs": [
                    {"name": name, **figures.as_json(), "passes": replayed.passes, "seconds": seconds}
                    for name, replayed, figures, seconds in runs
                ],
            }
        )
        return
    for why, count in jobs.left_out.items():
        note(f"{count} jobs of the trace are left out: they {why}")
    for text in jobs.notes:
        note(text)
    print("\n".join(figure_lines([(name, figures) for name, _, figures, _ in runs], table_width())))


def _machines(nodes: str | None, cluster: Path | None) -> Cluster:
    if (nodes is None) == (cluster is None):
        raise UsageError("say what it runs on: --nodes 16x8xH100, or --cluster FILE; one of the two")
    return read_cluster(cluster) if cluster is not None else cluster_of(nodes or "")


def _fit(found: Trace, cluster: Cluster, rule: Limits, *, any_gpu: bool) -> Trace:
    jobs = fitted(found, cluster, rule, any_gpu=any_gpu)
    if not jobs.jobs:
        raise SentinelError(
            "no job of the trace asked for a GPU, and the cluster does not say how many CPUs it has"
        )
    return jobs


def _figures(replayed: Replayed, accounts: tuple[Account, ...]) -> Figures:
    return figures_of(replayed, weights_of(accounts, {one.job.owner for one in replayed.ran}))


def _progress(name: str, begun: float) -> Callable[[int, int], None] | None:
    """On a terminal, once it has taken a while."""
    if not sys.stderr.isatty():
        return None

    def tell(ended: int, of: int) -> None:
        if monotonic() - begun > PATIENCE:
            print(f"\r{name}: {ended} of {of} jobs\x1b[K", end="\r", file=sys.stderr, flush=True)

    return tell


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error
