"""A new supervisor and the attempts of the one before: what still runs is taken over, what ended is said so.

Called by the start. The judgement is pure; looking at processes is the caller's.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sentinel.supervisor.attempts import Attempt, Ends, Running, Runs, Starting, step
from sentinel.supervisor.endings import NOBODY
from sentinel.supervisor.environment import MARK
from sentinel.supervisor.proc import TICKS, Seen, everybody, look, mark_of, started_within

REBOOTED = "the machine was restarted"
UNSEEN = "nobody saw it end: the supervisor was restarted meanwhile"
KILLED_LAUNCHING = "the supervisor was killed while it launched it"


@dataclass(frozen=True, slots=True)
class Lives:
    """`attempt` runs, as process `pid`."""

    attempt: Attempt
    pid: int


@dataclass(frozen=True, slots=True)
class Contained:
    """Its container's engine has to say. `pid`: its leader, where that lives."""

    attempt: Attempt
    pid: int | None


@dataclass(frozen=True, slots=True)
class Ended:
    """It has ended. `search`: parts of it may be left; None: nothing can be."""

    attempt: Attempt
    search: Running | None


def judge(
    attempt: Attempt, *, same_boot: bool, leader: Seen | None, marked: Iterable[Seen], booted_at: float
) -> Lives | Ended | Contained | None:
    """What became of `attempt`. None: it needs nothing. `leader`: the process that has its pid now;
    `marked`: all that carry its mark, needed only for one that was being launched; `booted_at`: epoch
    seconds."""
    phase = attempt.phase
    running = attempt.live
    if running is None and not isinstance(phase, Starting):
        return None
    if not same_boot:
        return Ended(step(attempt, Ends(why=REBOOTED, gone=True)), None)
    if attempt.container is not None:
        return Contained(attempt, _leader_of_container(leader, running, marked))
    if running is not None:
        if leader is not None and is_leader(leader, running):
            return Lives(attempt, leader.pid)
        return Ended(step(attempt, Ends(why=UNSEEN)), running)
    found = list(marked)
    # The leader, unless that has ended and what leads a session is a daemon that it left: so its exit code is
    # not to be believed.
    first = min((one for one in found if one.session == one.pid), key=lambda one: one.started, default=None)
    if first is None:
        return Ended(step(attempt, Ends(why=KILLED_LAUNCHING)), NOBODY if found else None)
    began = first.started / TICKS
    runs = Runs(pid=first.pid, began=began, by=began, started_at=round(booted_at + began, 3), found=True)
    return Lives(step(attempt, runs), first.pid)


def _leader_of_container(leader: Seen | None, running: Running | None, marked: Iterable[Seen]) -> int | None:
    """The engine's command line that is attached, where there is one."""
    if running is not None:
        return leader.pid if leader is not None and is_leader(leader, running) else None
    return next((one.pid for one in marked if one.session == one.pid), None)


def is_leader(seen: Seen, running: Running) -> bool:
    """Whether this is the very process, and not a later one with its number."""
    return not seen.ended and seen.session == seen.pid and started_within(seen, running.began, running.by)


# ------------------------------------------------------------------ looking


def marked_processes(tokens: Iterable[str], mark: str = MARK) -> Mapping[str, list[Seen]]:
    """Those that carry one of these tokens: one pass over the table."""
    found: dict[str, list[Seen]] = {token: [] for token in tokens}
    me = os.getpid()
    for pid in everybody() if found else ():
        token = mark_of(pid, mark) if pid != me else None
        if token in found and (seen := look(pid)) is not None and not seen.ended:
            found[token].append(seen)
    return found
