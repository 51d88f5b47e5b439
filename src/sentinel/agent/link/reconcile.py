"""What to do so that what runs here becomes what is wanted. Pure. Called by the executor."""

from collections.abc import Container, Mapping
from dataclasses import dataclass

from sentinel.agent.link.attempt import Attempt
from sentinel.agent.link.desired import Desired, Wanted
from sentinel.agent.link.occupancy import Occupancy
from sentinel.agent.link.report import Report, gone, refused
from sentinel.core.job import JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Have the supervisor launch it, unless that is later than `begin_by` (boot time)."""

    wanted: Wanted
    begin_by: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Have the supervisor end it; `preempt`: after it had the time to save its work."""

    token: str
    why: str
    grace: float
    preempt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """There is nothing to end here: tell the controller so."""

    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOff:
    """Its GPUs are still with an earlier attempt of ours: look again when that has ended."""

    token: str
    behind: str  # the other's token


Action = Launch | Stop | Say | HoldOff


def reconcile(
    desired: Desired, attempts: Mapping[str, Attempt], spent: Container[str], now: float
) -> list[Action]:
    """What to do now (`now` is boot time). `attempts` by token is all that the supervisor has or was told;
    `spent` are tokens of attempts that are over with: an answer that was on its way for long may name one
    still, and it must not run twice.
    """
    busy = Occupancy(attempts.values(), desired.jobs)
    actions: list[Action] = []
    for wanted in desired.jobs:
        attempt = attempts.get(wanted.token)
        action = None
        if wanted.token in spent:
            continue
        if not wanted.run:
            action = _stop(wanted, attempt)
        elif attempt is None and wanted.state is JobState.ALLOCATED and now < desired.begin_by:
            # Of one that is past ALLOCATED something ran already. It is not here: the beat says so.
            behind = busy.behind(wanted)
            stray = next((one for token in behind if (one := attempts.get(token)) and one.unknown), None)
            if stray is not None:
                why = f"job {stray.job}, which the controller does not know (a restored backup?), has its GPU"
                action = Say(report=refused(wanted, why))
            elif behind:
                action = HoldOff(token=wanted.token, behind=behind[-1])
            else:
                action = Launch(wanted=wanted, begin_by=desired.begin_by)
                busy.take(wanted)
        if action is not None:
            actions.append(action)
    return actions


def _stop(wanted: Wanted, attempt: Attempt | None) -> Action | None:
    if attempt is not None:
        if attempt.phase.over or attempt.stop_told:
            return None
        return Stop(token=wanted.token, why=wanted.why, grace=wanted.grace, preempt=wanted.preempt)
    if wanted.state is JobState.ALLOCATED:
        return Say(report=refused(wanted, wanted.why or "it was called off before it began"))
    return Say(report=gone(wanted, "its node knows nothing of it"))
