"""The figures of replays side by side, for people. Called by `simulate.trace`."""

from collections.abc import Sequence

from sentinel.cli.columns import Column
from sentinel.cli.table import table_lines
from sentinel.core.units import show_duration
from sentinel.simulation.replay.figures import Figures, Spread


def figure_lines(runs: Sequence[tuple[str, Figures]], width: int | None) -> list[str]:
    """One column a run. What there is nothing to tell by is "-"."""
    columns = [Column(title=""), *(Column(title=name.upper(), right=True, least=12) for name, _ in runs)]
    told = [_facts(figures) for _, figures in runs]
    rows = [[name, *(facts[name] for facts in told)] for name in told[0]]
    quiet = {"preemptions", "work lost", "never began", "larger than the cluster"}
    shown = [
        row
        for row in rows
        if row[0] not in quiet or any(cell not in ("0", "0 GPU-hours") for cell in row[1:])
    ]
    return table_lines(columns, shown, width)


def _facts(of: Figures) -> dict[str, str]:
    return {
        "cluster": of.cluster,
        "GPUs": f"{of.gpus:,}",
        "jobs": f"{of.jobs:,}",
        "never began": f"{of.never_began:,}",
        "larger than the cluster": f"{of.too_large:,}",
        "from first to last": show_duration(of.makespan),
        **_spread("waiting", of.waiting),
        **_spread("completion", of.completion),
        "slowdown, mean": "" if of.slowdown is None else f"{of.slowdown.mean:,.2f}",
        "longest queue": f"{of.longest_queue:,}",
        "utilisation": _percent(of.utilisation),
        "utilisation while jobs waited": _percent(of.busy_utilisation),
        "idle while jobs waited": _percent(of.idle),
        "idle, and enough for the first": _percent(of.fragmented),
        "fairness (Jain)": "" if of.fairness is None else f"{of.fairness:.3f}",
        "worst user's slowdown": ""
        if of.worst_slowdown is None
        else f"{of.worst_slowdown:,.2f} {of.worst_user}",
        "preemptions": f"{of.preemptions:,}",
        "work lost": f"{of.lost_gpu_hours:,.0f} GPU-hours",
    }


def _spread(name: str, of: Spread | None) -> dict[str, str]:
    return {
        f"{name}, mean": "" if of is None else _time(of.mean),
        f"{name}, p50": "" if of is None else _time(of.p50),
        f"{name}, p95": "" if of is None else _time(of.p95),
        f"{name}, p99": "" if of is None else _time(of.p99),
        f"{name}, max": "" if of is None else _time(of.max),
    }


def _time(seconds: float) -> str:
    return show_duration(seconds) if seconds >= 1 else f"{seconds:.0f} s"


def _percent(part: float | None) -> str:
    return "" if part is None else f"{part:.1f} %"
