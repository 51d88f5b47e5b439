"""What a controller answers about the past, for the tests of its commands."""

from collections.abc import Sequence
from typing import Any

START = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC


def a_series(
    *values: float | None, step: float = 60.0, start: float = START, **labels: str
) -> dict[str, Any]:
    points = [[start + nth * step, value] for nth, value in enumerate(values)]
    return {"labels": {"node": "n1", **labels}, "points": points}


def an_answer(series: Sequence[dict[str, Any]] = (), **changes: Any) -> dict[str, Any]:
    count = max((len(one["points"]) for one in series), default=60)
    found: dict[str, Any] = {
        "metric": "gpu_temperature_celsius", "unit": "celsius", "step": 60.0, "start": START,
        "end": START + 60.0 * count, "how": "avg", "series": list(series), "truncated": False, "known": None,
    }  # fmt: skip
    return found | changes


def a_use(key: str | None = None, hours: float = 0.0, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "gpu_hours": hours, "idle_gpu_hours": hours / 4, "unknown_gpu_hours": 0.0, "energy_kwh": hours / 2,
        "coverage": 1.0,
    }  # fmt: skip
    return ({} if key is None else {"key": key}) | found | changes


def a_report(rows: Sequence[dict[str, Any]] = (), **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "by": "user", "start": "2026-12-16T08:00:00.000Z", "end": "2027-01-15T08:00:00.000Z", "step": 86400.0,
        "rows": list(rows), "totals": a_use(None, sum(row["gpu_hours"] for row in rows)), "days": [],
    }  # fmt: skip
    return found | changes
