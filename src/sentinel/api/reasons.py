"""Why jobs wait, worked out when somebody looks. Used by routes.jobs, on the event loop."""

from collections.abc import Sequence

from sentinel.api.state import ApiState
from sentinel.core.job import Job, JobState
from sentinel.scheduling.explain import Reasons, standing

_KEPT = 10.0


def reasons_of(state: ApiState, jobs: Sequence[Job]) -> dict[str, str]:
    """The sentence for each of them, by id."""
    return {job.id: _known(state).of(job) if job.state is JobState.QUEUED else standing(job) for job in jobs}


def _known(state: ApiState) -> Reasons:
    """What was worked out for the mirror as it is now: many who look within _KEPT seconds share it."""
    mirror, now = state.hub.mirror, state.now()
    of = (mirror.revision, mirror.hold, now // _KEPT)
    if state.reasons is None or state.reasons[0] != of:
        state.reasons = (of, Reasons(mirror, now))
    return state.reasons[1]
