"""What the controller wants of this node: the answer of `GET desired`, as in docs/queue.md. Read by the
polling thread, decided upon by `reconcile`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from sentinel.core.errors import ProtocolError
from sentinel.core.job import WHOLE, IfLost, JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One attempt of a job. `run` False: it is to end, because of `why`; `preempt`: to make room, so it may
    save its work first.

    `spec` and `environment` go to the supervisor as they came. The latter holds secrets: it is shown nowhere.
    """

    job: str
    attempt: int
    token: str
    run: bool
    state: JobState
    owner: str
    gpus: tuple[str, ...]
    why: str = ""
    preempt: bool = False
    spec: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    @property
    def fence(self) -> bool:
        """Whether this node ends it when its lease was not renewed in time."""
        return self.spec.get("if_lost") == IfLost.FENCE.value

    @property
    def grace(self) -> float:
        """Seconds from the ask to SIGKILL."""
        found = self.spec.get("grace")
        return float(found) if isinstance(found, int | float) else 30.0

    @property
    def milli(self) -> int:
        """Thousandths of each of its GPUs."""
        found = self.spec.get("gpu_milli")
        return found if isinstance(found, int) else WHOLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who wants the terminal of an attempt."""

    id: str
    job: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """Boot times: `asked_at` before it was asked for; what has not begun at `begin_by` must not begin."""

    revision: int
    asked_at: float
    begin_by: float
    jobs: tuple[Wanted, ...] = ()
    attach: tuple[Session, ...] = ()
    follow: frozenset[str] = frozenset()


def desired_from(found: object, asked_at: float) -> Desired:
    """The answer that was asked for at `asked_at` (boot time). ProtocolError when it is none."""
    try:
        raw = cast("dict[str, Any]", found)
        return Desired(
            revision=int(raw["revision"]),
            asked_at=asked_at,
            begin_by=asked_at + float(raw["start_within"]),
            jobs=tuple([_wanted(one) for one in raw["jobs"]]),
            attach=tuple(
                [
                    Session(id=str(one["session"]), job=str(one["job"]), attempt=int(one["attempt"]))
                    for one in raw.get("attach") or ()
                ]
            ),
            follow=frozenset(map(str, raw.get("follow") or ())),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        # Not the value: it may hold an environment.
        raise ProtocolError(
            f"the controller's answer cannot be understood ({type(error).__name__}); is it a newer one? "
            "Install the same version of Sentinel here"
        ) from None


def _wanted(raw: Mapping[str, Any]) -> Wanted:
    return Wanted(
        job=str(raw["job"]),
        attempt=int(raw["attempt"]),
        token=str(raw["token"]),
        run={"run": True, "stop": False}[raw["want"]],
        state=JobState(raw["state"]),
        owner=str(raw["owner"]),
        gpus=tuple(raw["gpus"]),
        why=str(raw.get("why") or ""),
        preempt=raw.get("preempt") is True,
        spec=raw["spec"],
        environment=raw["environment"],
    )
