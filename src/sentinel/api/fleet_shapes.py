"""What the fleet's answer looks like, for /openapi.json alone; explained in `fleet`. Used by routes.fleet."""

from typing import Literal

from sentinel.api.described import CancelShape, Shape

Severity = Literal["info", "warning", "critical"]


class ModelCountShape(Shape):
    """How many GPUs of a model a node has."""

    model: str | None
    count: int


class FleetNodeShape(Shape):
    """A node of the fleet. `gpus` null: unknown. `seen_at`: epoch seconds, written now and then."""

    id: str
    name: str
    state: Literal["up", "silent", "dead"]
    drained: CancelShape | None
    gpus: int | None
    models: list[ModelCountShape]
    health: Severity | None
    seen_at: int | None


class FleetGpusShape(Shape):
    """A list a column, each with a value for each GPU. Bytes, %, °C, W; null is unknown."""

    uuid: list[str]
    node: list[int]
    index: list[int]
    model: list[str | None]
    memory_total: list[int | None]
    util: list[float | None]
    memory_used: list[float | None]
    temperature: list[float | None]
    power: list[float | None]
    owner: list[str | None]
    job: list[str | None]
    jobs: list[int]
    state: list[Literal["free", "leased", "blocked", "unknown"]]
    blocked: list[Literal["unmanaged", "quarantined", "leased", "unknown"] | None]
    blocked_why: list[str | None]
    health: list[Severity | None]


class FleetShape(Shape):
    """All nodes, by name, and their GPUs. `at`: epoch seconds."""

    at: float
    revision: int
    nodes: list[FleetNodeShape]
    gpus: FleetGpusShape
