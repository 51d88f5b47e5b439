"""Who may have how much of the GPUs: shares and quotas of users and groups, and what they have used.

Operators set accounts through the API, the store keeps them as documents, the scheduler and `why` decide by
them. A user's own limits and those of the group both hold. Usage is written in the transaction that lets a
lease go.

    an account  {"scope": "user" | "group" | "default", "name", "weight": N,
                 "limits": {"running_gpus", "running_gpus_soft", "queued_jobs", "gpu_hours",
                            "gpu_hours_soft": N | null}}
    its usage   {"scope": "user" | "group", "name", "decayed": GPU_SECONDS, "at": TIME,
                 "days": {"YYYY-MM-DD": GPU_SECONDS}}
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

HALF_LIFE = 7 * 86400.0  # seconds in which what was used counts half, for fair share
WINDOW_DAYS = 30  # days, today among them, over which `gpu_hours` are counted


class Scope(StrEnum):
    """Whose account it is. DEFAULT: of every user who has none; its name is empty."""

    USER = "user"
    GROUP = "group"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """None: no limit. Above a soft one jobs still run, on what is idle: they are *borrowing*, and make room
    for those who are within theirs. A hard one is never passed."""

    running_gpus: int | None = None
    running_gpus_soft: int | None = None
    queued_jobs: int | None = None  # one more is refused when it is submitted
    gpu_hours: float | None = None  # within WINDOW_DAYS; above it nothing more begins
    gpu_hours_soft: float | None = None  # above it, jobs come after everybody else's of the same priority


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`weight`: its part of the cluster, against that of others."""

    scope: Scope
    name: str
    weight: float = 1.0
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """GPU-seconds. `decayed` is as of `at` (epoch), by HALF_LIFE; `days` by ISO date, UTC."""

    scope: Scope
    name: str
    decayed: float = 0.0
    at: float = 0.0
    days: Mapping[str, float] = field(default_factory=dict[str, float])
