"""What answers about accounts and reservations look like, for /openapi.json alone; as in api.described."""

from typing import Literal

from sentinel.api.described import Shape


class LimitsShape(Shape):
    """null: no limit."""

    running_gpus: int | None
    running_gpus_soft: int | None
    queued_jobs: int | None
    gpu_hours: float | None
    gpu_hours_soft: float | None


class AccountShape(Shape):
    """What a user, a group or, by default, each user may have. `users`: how many it holds for now."""

    scope: Literal["user", "group", "default"]
    name: str
    weight: float
    limits: LimitsShape
    users: int


class UsageShape(Shape):
    """What a user or a group has had. `share`: of what all in its scope have had lately; null: of nothing."""

    scope: Literal["user", "group"]
    name: str
    running_gpus: float
    gpu_hours: float
    recent_gpu_hours: float
    share: float | None
    weight: float
    limits: LimitsShape | None
    days: dict[str, float]


class ReservationShape(Shape):
    """A time for which nodes are kept; without nodes all of them."""

    id: str
    name: str
    kind: Literal["reserved", "maintenance"]
    nodes: list[str]
    start: str
    end: str
    users: list[str]
    groups: list[str]
    by: str
    why: str
