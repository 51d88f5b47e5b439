"""What answers about the past look like, for /openapi.json alone; as in api.described."""

from typing import Literal

from sentinel.api.described import Shape

By = Literal["user", "group", "node", "gpu", "model", "origin"]


class SeriesShape(Shape):
    """One line of a chart. `points`: epoch seconds and value; null is unknown."""

    labels: dict[str, str]
    points: list[tuple[float, float | None]]


class KnownShape(Shape):
    """What there is instead of nothing: how many series these labels mean, and from when to when anything is
    known of them (epoch seconds); null: never."""

    series: int
    first: float | None
    last: float | None


class HistoryShape(Shape):
    """A metric over time, on one grid. `start`, `end`: epoch seconds. `truncated`: there are more series than
    an answer takes. `known`: only where there are none."""

    metric: str
    unit: str
    step: float
    start: float
    end: float
    how: Literal["avg", "min", "max", "sum", "last", "count"]
    series: list[SeriesShape]
    truncated: bool
    known: KnownShape | None


class MetricShape(Shape):
    """A metric that there is something of. `unit`: as in its name; empty for plain numbers."""

    name: str
    help: str | None
    unit: str
    series: int


class UseShape(Shape):
    """GPU-hours had; of those, idle ones, and those of which it is not known whether they were. null: nothing
    is known. `coverage`: the part of the asked time in which the GPUs were recorded."""

    gpu_hours: float
    idle_gpu_hours: float | None
    unknown_gpu_hours: float
    energy_kwh: float | None
    coverage: float | None


class UseRowShape(UseShape):
    """Whose they were, or what they were. `key` is empty when unknown."""

    key: str


class UseDayShape(UseShape):
    """Those of one period, from `start` on."""

    start: str


class UsageReportShape(Shape):
    """Who had the GPUs. Who had most is first."""

    by: By
    start: str
    end: str
    step: float
    rows: list[UseRowShape]
    totals: UseShape
    days: list[UseDayShape]
