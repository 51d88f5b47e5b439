"""Why jobs wait, worked out when somebody looks. Used by routes.jobs, on the event loop."""

from collections.abc import Sequence

from sentinel.api.state import ApiState
from sentinel.core.job import Job, JobState
from sentinel.scheduling.explain import Reasons, Why, standing


def reasons_of(state: ApiState, jobs: Sequence[Job]) -> dict[str, str]:
    """The sentence for each of them, by id."""
    return {job.id: _known(state).of(job) if job.state is JobState.QUEUED else standing(job) for job in jobs}


def why_of(state: ApiState, job: Job) -> Why:
    """All there is to say of one."""
    return _known(state).why(job)


def _known(state: ApiState) -> Reasons:
    """What was worked out for the mirror as it is now: many who look share it."""
    mirror = state.hub.mirror
    now = (mirror.revision, mirror.hold)
    if state.reasons is None or state.reasons[0] != now:
        state.reasons = (now, Reasons(mirror))
    return state.reasons[1]
