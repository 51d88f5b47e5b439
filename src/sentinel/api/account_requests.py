"""What may be sent about accounts and reservations. Used by their routes; the rest is in api.requests."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from sentinel.api.requests import Line, Request, UserName
from sentinel.core.account import Account, Limits, Scope
from sentinel.core.reservation import Reservation, ReservationKind
from sentinel.core.timestamp import epoch

MOST_GPUS = 1_000_000
MOST_JOBS = 10_000_000
MOST_HOURS = 1e9
MOST_NAMES = 1000

GroupName = UserName
"""Groups are called as users are, so that both fit wherever a name is typed."""
NodeName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=253)]
_TIME = r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)$"


def _is_time(text: str) -> str:
    if epoch(text) is None:
        raise ValueError("this is no time; write it like 2026-01-31T08:00:00Z")
    return text


def _each_once(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _whole(found: object) -> object:
    """JSON knows no difference between 8 and 8.0."""
    return int(found) if isinstance(found, float) and found.is_integer() else found


Gpus = Annotated[int, Field(ge=0, le=MOST_GPUS), BeforeValidator(_whole)]
Jobs = Annotated[int, Field(ge=0, le=MOST_JOBS), BeforeValidator(_whole)]
Time = Annotated[
    str,
    StringConstraints(pattern=_TIME, max_length=40),
    AfterValidator(_is_time),
    Field(description="RFC 3339, with an offset."),
]


class LimitsRequest(Request):
    """What is left out has no limit. A soft one is no more than the hard one."""

    running_gpus: Gpus | None = Field(None, description="At once.")
    running_gpus_soft: Gpus | None = Field(
        None, description="Above it jobs run on what is idle, and make room for others."
    )
    queued_jobs: Jobs | None = Field(None, description="One more is refused.")
    gpu_hours: float | None = Field(
        None, ge=0, le=MOST_HOURS, description="In the last 30 days; above it nothing more begins."
    )
    gpu_hours_soft: float | None = Field(
        None, ge=0, le=MOST_HOURS, description="Above it, jobs come after everybody else's."
    )


class AccountRequest(Request):
    """An account in full: what is left out is as in a new one."""

    weight: float = Field(1.0, ge=0.001, le=1_000_000, description="Its part, against those of others.")
    limits: LimitsRequest = LimitsRequest.model_construct()

    def account(self, scope: Scope, name: str) -> Account:
        """As a noun of the core."""
        return Account(scope=scope, name=name, weight=self.weight, limits=Limits(**self.limits.model_dump()))


def _names(description: str) -> Any:
    return Field(default_factory=list[str], max_length=MOST_NAMES, description=description)


class ReservationRequest(Request):
    """Nodes to be kept for users and groups, or, for maintenance, for nobody."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
    kind: Literal["reserved", "maintenance"] = "reserved"
    start: Time
    end: Time
    nodes: Annotated[list[NodeName], AfterValidator(_each_once)] = _names("All of them when empty.")
    users: Annotated[list[UserName], AfterValidator(_each_once)] = _names("Whose jobs may run in it.")
    groups: Annotated[list[GroupName], AfterValidator(_each_once)] = _names("The same, by group.")
    why: Line = ""

    def reservation(self, id: str, by: str) -> Reservation:
        """As a noun of the core."""
        start, end = epoch(self.start), epoch(self.end)
        assert start is not None, "it was looked at"
        assert end is not None, "it was looked at"
        return Reservation(
            id=id,
            name=self.name,
            kind=ReservationKind(self.kind),
            start=start,
            end=end,
            nodes=tuple(self.nodes),
            users=tuple(self.users),
            groups=tuple(self.groups),
            by=by,
            why=self.why,
        )
