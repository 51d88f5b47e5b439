"""What an attempt is when its launch is taken. Pure. Called by the launches."""

import signal
from collections.abc import Mapping, Sequence

from sentinel.supervisor.attempts import PLAIN, Attempt, Manner, Phase, Refused
from sentinel.supervisor.setup_lines import with_setup
from sentinel.supervisor.specs import signal_of
from sentinel.supervisor.users import Person
from sentinel.supervisor.wire import Launch, Unusable


def command_of(launch: Launch, person: Person, environment: Mapping[str, str]) -> Sequence[str]:
    """What is executed for it."""
    spec = launch.spec
    if not spec.setup:
        return spec.command
    return with_setup(spec.setup, spec.command, umask=spec.umask, environment=environment, shell=person.shell)


def _manner(launch: Launch, person: Person | None) -> Manner:
    spec = launch.spec
    if person is None or not (spec.checkpoint or spec.setup or spec.stop_signal != "TERM"):
        return PLAIN
    return Manner(
        stop_signal=signal_of(spec.stop_signal) or signal.SIGTERM,
        checkpoint=spec.checkpoint,
        cwd=spec.cwd,
        umask=spec.umask,
        uid=person.uid,
        gid=person.gid,
        setup=bool(spec.setup),
    )


def attempt_of(
    launch: Launch, phase: Phase, *, fence_at: float | None = None, person: Person | None = None
) -> Attempt:
    """In that phase. `person`: who it runs as, where it comes to that."""
    return Attempt(
        job=launch.job,
        attempt=launch.attempt,
        token=launch.token,
        gpus=launch.gpus,
        grace=launch.spec.grace,
        time_limit=launch.spec.time_limit,
        fence_at=launch.fence_at if fence_at is None else fence_at,
        phase=phase,
        manner=_manner(launch, person),
    )


def unusable(launch: Unusable) -> Attempt:
    """One that cannot be launched at all."""
    return Attempt(
        job=launch.job,
        attempt=launch.attempt,
        token=launch.token,
        gpus=(),
        grace=0.0,
        time_limit=None,
        fence_at=None,
        phase=Refused(why=f"its launch cannot be understood: {launch.why}", final=True),
    )
