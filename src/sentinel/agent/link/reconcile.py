"""What to do so that what runs here becomes what is wanted. Pure. Called by the executor."""

from collections.abc import Container, Mapping
from dataclasses import dataclass

from sentinel.agent.link.attempt import Attempt
from sentinel.agent.link.desired import Desired, Wanted
from sentinel.agent.link.report import Report, gone, refused
from sentinel.core.job import JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Have the supervisor launch it, unless that is later than `begin_by` (boot time)."""

    wanted: Wanted
    begin_by: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Have the supervisor end it."""

    token: str
    why: str
    grace: float


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
    busy = {gpu: one.token for one in attempts.values() if not one.phase.over for gpu in one.gpus}
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
            behind = next((busy[gpu] for gpu in wanted.gpus if gpu in busy), None)
            other = None if behind is None else attempts.get(behind)
            if behind is not None and (other is None or not other.unknown):
                action = HoldOff(token=wanted.token, behind=behind)
            elif other is not None:
                why = f"job {other.job}, which the controller does not know (a restored backup?), has its GPU"
                action = Say(report=refused(wanted, why))
            else:
                action = Launch(wanted=wanted, begin_by=desired.begin_by)
                busy.update(dict.fromkeys(wanted.gpus, wanted.token))
        if action is not None:
            actions.append(action)
    return actions


def _stop(wanted: Wanted, attempt: Attempt | None) -> Action | None:
    if attempt is not None:
        if attempt.phase.over or attempt.stop_told:
            return None
        return Stop(token=wanted.token, why=wanted.why, grace=wanted.grace)
    if wanted.state is JobState.ALLOCATED:
        return Say(report=refused(wanted, wanted.why or "it was called off before it began"))
    return Say(report=gone(wanted, "its node knows nothing of it"))
