"""Quotas and usage as tables and sentences. Pure. Called by the commands in `cli.accounts`."""

from collections.abc import Mapping, Sequence
from typing import Any

from sentinel.cli.accounts.who import shown_who
from sentinel.cli.columns import Column
from sentinel.cli.plain import one_line
from sentinel.cli.table import table_lines

Row = Mapping[str, Any]

_QUOTAS = (
    Column(title="WHO", least=8, most=38),
    Column(title="GPUS", right=True),
    Column(title="WAITING", right=True),
    Column(title="GPU-HOURS", right=True),
    Column(title="WEIGHT", right=True),
    Column(title="USERS", right=True),
)
_USAGE = (
    Column(title="WHO", least=8, most=38),
    Column(title="RUNNING", right=True),
    Column(title="GPU-HOURS", right=True),
    Column(title="RECENT", right=True),
    Column(title="SHARE", right=True),
    Column(title="WEIGHT", right=True),
)


def quota_lines(accounts: Sequence[Row], width: int | None) -> list[str]:
    rows = [
        (
            shown_who(account["scope"], account["name"]),
            _both(account["limits"], "running_gpus"),
            _number(account["limits"]["queued_jobs"]),
            _both(account["limits"], "gpu_hours"),
            _weight(account["weight"]),
            _number(account["users"]),
        )
        for account in accounts
    ]
    return table_lines(_QUOTAS, rows, width)


def quota_text(account: Row) -> str:
    """One of them as a line: "user:ada: 8 GPUs (soft: 4), 100 jobs waiting, 500 GPU-hours; weight 2"."""
    limits = account["limits"]
    parts = [
        _limit(limits, "running_gpus", "GPU", "GPUs"),
        _limit(limits, "queued_jobs", "job waiting", "jobs waiting"),
        _limit(limits, "gpu_hours", "GPU-hour in 30 days", "GPU-hours in 30 days"),
    ]
    said = ", ".join(part for part in parts if part) or "no limits"
    who = one_line(shown_who(account["scope"], account["name"]))
    return f"{who}: {said}; weight {_weight(account['weight'])}"


def usage_lines(found: Sequence[Row], width: int | None) -> list[str]:
    """Users first, who had most lately first."""
    ordered = sorted(found, key=lambda one: (one["scope"] != "user", -one["recent_gpu_hours"], one["name"]))
    rows = [
        (
            shown_who(one["scope"], one["name"]),
            _of(one, "running_gpus"),
            _of(one, "gpu_hours"),
            _number(one["recent_gpu_hours"]),
            None if one["share"] is None else f"{one['share']:.0%}",
            _weight(one["weight"]),
        )
        for one in ordered
    ]
    return table_lines(_USAGE, rows, width)


def _of(one: Row, field: str) -> str:
    """What is had, and of how much: the hard limit, else the soft one."""
    limits: Row = one["limits"] or {}
    most = limits.get(field)
    if most is None:
        most = limits.get(f"{field}_soft")
    had = _number(one[field])
    return had if most is None else f"{had} of {_number(most)}"


def _both(limits: Row, field: str) -> str | None:
    hard, soft = limits[field], limits[f"{field}_soft"]
    if soft is None:
        return None if hard is None else _number(hard)
    return f"{'-' if hard is None else _number(hard)} / {_number(soft)}"


def _limit(limits: Row, field: str, one: str, many: str) -> str:
    hard, soft = limits[field], limits.get(f"{field}_soft")
    if hard is None:
        return "" if soft is None else f"any number of {many} (soft: {_number(soft)})"
    return f"{_number(hard)} {one if hard == 1 else many}" + (
        "" if soft is None else f" (soft: {_number(soft)})"
    )


def _weight(found: float) -> str:
    """In full: it was typed by somebody."""
    return f"{found:.7g}"


def _number(found: float | None) -> str:
    """As short as can be: "500", "12.5"."""
    return "" if found is None else f"{found:.1f}".removesuffix(".0") if found >= 1 else f"{found:.2g}"
