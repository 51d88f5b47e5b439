"""How jobs end: who waits for them, what is told, and that nothing of them stays. Owned by the loop.

The leader's end is the job's. Before that is told, the rest of its group and what left the group are told to
go (TERM); what is still there after REST_GRACE is killed. What left the group is found because its parents'
end makes us its parent, by the mark in its environment and by its session. For a job that leaves nothing
behind all of this is two system calls.

Of a job in a container, the leader's end says nothing yet: `contained` is told, and the engine asked.
"""

import contextlib
import os
import selectors
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sentinel.core.clock import wall
from sentinel.supervisor.attempts import Attempt, Ends, Running
from sentinel.supervisor.book import Book
from sentinel.supervisor.kernel import exit_status
from sentinel.supervisor.members import group_exists, signal_all, signal_group, signal_process
from sentinel.supervisor.proc import look, mark_of, own_children, started_within

REST_GRACE = 3.0
_AGAIN = 0.5
_MOST_TRIES = 20
_PATIENCE_FOR_STATUS = 1.0
_LOOK_AGAIN = 0.02
NOBODY = Running(pid=0, began=0.0, by=0.0, started_at=0.0)
"""A leader that is not known: what is left is found by the mark alone."""
NOT_SEEN = "its exit code is not known: the supervisor was restarted while it ran"


@dataclass(slots=True)
class Left:
    """What may be left of an attempt whose leader has ended. `search`: it may be
    anywhere, and only a search finds it."""

    leader: Running
    scope: str
    kill_at: float
    tries: int = 0
    search: bool = False


@dataclass(slots=True)
class Adopted:
    """A job that is nobody's child of ours. `since`: when its end was seen, while its exit code is looked
    for."""

    token: str
    pidfd: int
    since: float | None = None


class Endings:
    """`leaders`: the token of each job's leader that is our child, by pid; `watched`: who hears the wait
    status of another child; `later`: what is to be done in the next turn. `ended` is called after each move,
    `explain` before it, to say more of an end."""

    def __init__(
        self,
        book: Book,
        selector: selectors.BaseSelector,
        ended: Callable[[Attempt], None],
        note: Callable[[str], None],
        explain: Callable[[Attempt, Ends], Ends],
        contained: Callable[[str], None],
    ) -> None:
        self._book, self._selector, self._ended, self._note = book, selector, ended, note
        self._explain, self._contained = explain, contained
        self.leaders: dict[int, str] = {}
        self.watched: dict[int, Callable[[int], None]] = {}
        self.later: list[Callable[[], None]] = []
        self.others: set[int] = set()
        """Children of ours that are no part of any job."""
        self._adopted: dict[int, Adopted] = {}
        self._orphans: dict[int, str | None] = {}
        self._left: dict[str, Left] = {}
        self._look_at: float | None = None

    @property
    def quiet(self) -> bool:
        """Nothing is left of any job that has ended."""
        return not self._left

    # -------------------------------------------------------------- children

    def reap(self, now: float, forked: Callable[[int, int], bool]) -> None:
        """Waits for every child that has ended. `forked(pid, status)`: whether that one had not executed
        yet."""
        over: list[tuple[str, Running, Ends]] = []
        reaped = False
        heard, self.later = self.later, []
        while (found := _next_ended()) is not None:
            reaped = True
            token = self.leaders.get(found)
            if token is not None:
                signal_group(found, signal.SIGTERM)  # while the number cannot be another group's
            _, status = os.waitpid(found, 0)
            self._orphans.pop(found, None)
            self.others.discard(found)
            if token is None and (hear := self.watched.pop(found, None)) is not None:
                heard.append(_telling(hear, status))
                continue
            if token is None or forked(found, status):
                self.leaders.pop(found, None)
                continue
            del self.leaders[found]
            attempt = self._book.attempts[token]
            if attempt.container is not None:
                self._contained(token)
                continue
            running = attempt.live
            assert running is not None
            if group_exists(found):
                self._leave(token, running, attempt.scope, now)
            elif attempt.scope:
                self.clear_up(attempt, running, now)
            over.append((token, running, self._explain(attempt, ends_with(status))))
        if reaped:
            self._find_orphans(now, {token: running for token, running, _ in over})
        for token, _, ends in over:
            self._ended(self._book.move(token, ends))
        for tell in heard:
            tell()

    def _find_orphans(self, now: float, over: Mapping[str, Running]) -> None:
        """Looks at children that we did not make: what left its job's group and lost its parent."""
        sessions = {running.pid: token for token, running in over.items()}
        sessions |= {left.leader.pid: token for token, left in self._left.items()}
        for pid in own_children():
            if pid in self.leaders or pid in self.others or pid in self.watched:
                continue
            if pid not in self._orphans:
                seen = look(pid)
                if seen is None or seen.ended:
                    continue
                self._orphans[pid] = (
                    mark_of(pid) or self.leaders.get(seen.session) or sessions.get(seen.session)
                )
            token = self._orphans[pid]
            if token is None or not self._book.knows(token):
                continue  # another supervisor's, which ran in a job of ours
            if self._lives(token) and token not in over:
                continue
            self._leave(token, over.get(token, NOBODY), "", now)
            signal_process(pid, signal.SIGTERM)

    def _lives(self, token: str) -> bool:
        attempt = self._book.attempts.get(token)
        return attempt is not None and not attempt.over

    def disown(self, pid: int) -> None:
        """A child of ours that does not become a job's leader."""
        self.leaders.pop(pid, None)
        self.others.add(pid)

    # -------------------------------------------------------------- those of a predecessor

    def adopt(self, token: str, pidfd: int) -> None:
        """Watches a job that a predecessor started. Takes the pidfd over."""
        adopted = Adopted(token, pidfd)
        self._adopted[pidfd] = adopted

        def ready(_mask: int) -> None:
            self._adopted_ended(adopted)

        self._selector.register(pidfd, selectors.EVENT_READ, ready)

    def _adopted_ended(self, adopted: Adopted) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(adopted.pidfd)
        adopted.since = -1.0  # `due` says when that was
        self._look_at = 0.0

    def _settle_adopted(self, now: float) -> None:
        self._look_at = None
        for adopted in [one for one in self._adopted.values() if one.since is not None]:
            if adopted.since == -1.0:
                adopted.since = now
            attempt = self._book.attempts[adopted.token]
            if attempt.container is not None:
                os.close(adopted.pidfd)
                del self._adopted[adopted.pidfd]
                self._contained(adopted.token)
                continue
            running = attempt.live
            assert running is not None
            status = exit_status(adopted.pidfd)
            seen = look(running.pid)
            if seen is not None and not started_within(seen, running.began, running.by):
                seen = None  # a later one with its number
            if status is None and seen is not None:
                status = seen.exit_status
            # Whoever is its parent now has it in a moment; after that the kernel may tell.
            assert adopted.since is not None
            if status is None and now < adopted.since + _PATIENCE_FOR_STATUS and seen is not None:
                self._look_at = now + _LOOK_AGAIN
                continue
            if running.found:
                status = None
            os.close(adopted.pidfd)
            del self._adopted[adopted.pidfd]
            ends = ends_with(status) if status is not None else Ends(why=NOT_SEEN, ended_at=round(wall(), 3))
            self.clear_up(attempt, running, now)
            self._ended(self._book.move(adopted.token, self._explain(attempt, ends)))

    def clear_up(self, attempt: Attempt, running: Running, now: float) -> None:
        """Its leader has ended: whatever is left of it is looked for, and told to go."""
        if signal_all(attempt.token, running, attempt.scope, signal.SIGTERM):
            self._leave(attempt.token, running, attempt.scope, now)
            self._left[attempt.token].search = True

    # -------------------------------------------------------------- what stays

    def _leave(self, token: str, running: Running, scope: str, now: float) -> None:
        self._left.setdefault(token, Left(running, scope, now + REST_GRACE))

    def next_deadline(self) -> float | None:
        times = [left.kill_at for left in self._left.values()]
        if self._look_at is not None:
            times.append(self._look_at)
        if self.later:
            times.append(0.0)
        return min(times, default=None)

    def due(self, now: float) -> None:
        """Kills what did not go in time."""
        if self._look_at is not None and now >= self._look_at:
            self._settle_adopted(now)
        for token, left in list(self._left.items()):
            if now < left.kill_at:
                continue
            if not left.search and not group_exists(left.leader.pid) and token not in self._orphans.values():
                del self._left[token]
                continue
            alive = signal_all(token, left.leader, left.scope, signal.SIGKILL)
            left.tries += 1
            left.kill_at = now + _AGAIN
            if not alive or left.tries >= _MOST_TRIES:
                del self._left[token]
            if alive and left.tries >= _MOST_TRIES:
                self._note(f"processes {alive} of attempt {token} cannot be killed; they are left alone")

    # -------------------------------------------------------------- signals

    def terminate(self, attempt: Attempt, *, terminal: bool) -> None:
        """Asks a running job to end. A terminal's session is hung up on as well, as shells expect it."""
        running = attempt.live
        if running is None:
            return
        number = attempt.manner.stop_signal
        signal_group(running.pid, number)
        if terminal:
            signal_all(attempt.token, running, attempt.scope, number)
            signal_group(running.pid, signal.SIGHUP)
        signal_group(running.pid, signal.SIGCONT)

    def kill(self, attempt: Attempt) -> None:
        """Ends a running job and all that is part of it, now."""
        running = attempt.live
        if running is not None:
            signal_group(running.pid, signal.SIGKILL)
            signal_all(attempt.token, running, attempt.scope, signal.SIGKILL)


def ends_with(status: int) -> Ends:
    """What a wait status says."""
    code = os.waitstatus_to_exitcode(status)
    return Ends(
        exit_code=code if code >= 0 else None,
        signal=-code if code < 0 else None,
        ended_at=round(wall(), 3),
    )


def _telling(hear: Callable[[int], None], status: int) -> Callable[[], None]:
    return lambda: hear(status)


def _next_ended() -> int | None:
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return None if found is None else found.si_pid
