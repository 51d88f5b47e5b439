"""Jobs that run in containers: that they run, how they end, and telling them to. Owned by the loop.

The job's leader is the engine's command line, attached to the container, so that the output goes straight
into the log. But the container is not its child, and outlives it: whatever is to be known of the job is asked
of the engine. A leader that ends has only made us ask. Where the container still runs, another one follows
it. It is removed by us once its end is in the journal, so a successor can still read the exit code.
"""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sentinel.core.clock import boottime, wall
from sentinel.supervisor.attempts import (
    Attempt,
    Container,
    Ends,
    Follows,
    Refused,
    Runs,
    Starting,
    Stop,
    Stopping,
)
from sentinel.supervisor.book import Book
from sentinel.supervisor.container_answer import Gone, Silent, State, answer_of
from sentinel.supervisor.container_removal import Removal
from sentinel.supervisor.endings import NOBODY, Endings
from sentinel.supervisor.engines import Engines
from sentinel.supervisor.logs import Logs
from sentinel.supervisor.members import members, signal_all, signal_group
from sentinel.supervisor.tools import Done, Tools

LEADER = "SENTINEL_CONTAINER"
"""Names the attempt's token in the environment of the command line that leads it."""
LOOK = ("container", "inspect", "--format", "[{{json .State}},{{json .Config.Labels}}]")
_FIRST_LOOK, _SLOWEST_LOOK = 0.05, 2.0
_HANGS = 15.0
"""Seconds that a leader may stay when its container has ended: it has the rest of the output to write."""
GAP = b"sentinel: what the job wrote while nothing followed its container is not here\n"
NOT_LAUNCHED = Refused(why="the supervisor was restarted before its container ran")


@dataclass(slots=True, eq=False)
class Watched:
    """`leader`: its pid and when it was made; `lives`: it has not ended, as far as is known. `look_at`: when
    to ask next. `stale`: what is being answered was true before its leader ended. `ended_since`: the
    container was seen to have ended then. `stop`: asked for before it ran."""

    leader: Runs | None
    lives: bool
    look_at: float | None
    pause: float = _FIRST_LOOK
    asking: bool = False
    stale: bool = False
    ended_since: float | None = None
    followed_at: float = -1.0
    stop: Stop | None = None
    kills: int = 0


class Containers:
    """`runs` is called when a job was seen to run, `ended` when it was seen to have ended, both after the
    move; `explain` before it, to say more of an end."""

    def __init__(
        self,
        *,
        book: Book,
        endings: Endings,
        logs: Logs,
        tools: Tools,
        engines: Engines,
        removal: Removal,
        node: str,
        runs: Callable[[Attempt, Stop | None], None],
        ended: Callable[[Attempt], None],
        explain: Callable[[Attempt, Ends], Ends],
    ) -> None:
        self._book, self._endings, self._logs, self._tools = book, endings, logs, tools
        self._engines, self._removal, self._node = engines, removal, node
        self._runs, self._ended, self._explain = runs, ended, explain
        self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self._all: dict[str, Watched] = {}
        self._as_root = os.geteuid() == 0

    # -------------------------------------------------------------- watching one

    def begun(self, token: str, leader: Runs) -> None:
        """Its leader executes the engine's command line."""
        self._all[token] = Watched(leader, lives=True, look_at=boottime() + _FIRST_LOOK)

    def take_over(self, attempt: Attempt, leader: Runs | None) -> None:
        """A predecessor's. `leader`: the one that lives, which `endings` watches by now."""
        known = leader is not None and attempt.live is not None
        self._all[attempt.token] = Watched(leader, lives=leader is not None, look_at=None if known else 0.0)

    def leader_ended(self, token: str) -> None:
        """The leader has; the container may or may not have."""
        watched = self._all.setdefault(token, Watched(None, lives=False, look_at=None))
        watched.lives, watched.pause, watched.stale = False, _FIRST_LOOK, watched.asking
        # One that cannot stay at the container is not tried without a pause.
        watched.look_at = max(0.0, watched.followed_at + 1.0)

    def stop_starting(self, token: str, stop: Stop) -> bool:
        """One that is not known to run yet is stopped once it is. False where that is not so."""
        watched = self._all.get(token)
        attempt = self._book.attempts.get(token)
        if watched is None or attempt is None or not isinstance(attempt.phase, Starting):
            return False
        watched.stop = watched.stop or stop
        return True

    def names(self) -> set[str]:
        """Of the containers that are watched."""
        found = [self._book.attempts[token].container for token in self._all]
        return {container.name for container in found if container is not None}

    def next_deadline(self) -> float | None:
        times = [one.look_at for one in self._all.values() if one.look_at is not None and not one.asking]
        return min(times, default=None)

    def due(self, now: float) -> None:
        """Asks about those of which something is not known."""
        for token, watched in list(self._all.items()):
            if watched.look_at is not None and now >= watched.look_at and not watched.asking:
                self._look(token, watched)

    def _look(self, token: str, watched: Watched) -> None:
        attempt = self._book.attempts.get(token)
        if attempt is None or attempt.over or attempt.container is None:
            del self._all[token]
            return
        watched.asking = True
        self._ask(attempt.container, [*LOOK, attempt.container.name], lambda done: self._told(token, done))

    def _ask(self, container: Container, arguments: Sequence[str], heard: Callable[[Done], None]) -> None:
        program = self._engines.program(container.engine) or container.engine
        self._tools.run([program, *arguments], heard)

    def _told(self, token: str, done: Done) -> None:
        watched, attempt = self._all.get(token), self._book.attempts.get(token)
        if watched is None or attempt is None or attempt.over:
            self._all.pop(token, None)
            return
        watched.asking = False
        if watched.stale:
            watched.stale = False
            return
        watched.look_at = None
        watched.pause = min(watched.pause * 2, _SLOWEST_LOOK)
        match answer_of(done, token):
            case Silent() as silent:
                self._unanswered(attempt, watched, silent)
            case Gone() if watched.leader is None and isinstance(attempt.phase, Starting):
                self._finish(attempt, NOT_LAUNCHED)
            case Gone():
                self._over(attempt, watched, Ends(why="its container was removed by somebody else"))
            case State() as state if state.ended:
                self._has_ended(attempt, watched, state)
            case State() as state if state.runs:
                self._is_running(attempt, watched)
            case State() as state:
                self._not_begun(attempt, watched, state)

    def _unanswered(self, attempt: Attempt, watched: Watched, silent: Silent) -> None:
        """Unknown is not ended. Only where its processes are ours to see, and there are none, nothing
        runs."""
        watched.look_at = boottime() + max(watched.pause, 1.0)
        killed = isinstance(attempt.phase, Stopping) and watched.kills > 1 and not watched.lives
        if killed and self._as_root and not members(attempt.token, NOBODY, ""):
            self._over(attempt, watched, Ends(why=f"its processes were killed, and {silent.why}"))

    def _is_running(self, attempt: Attempt, watched: Watched) -> None:
        if not watched.lives:
            self._follow(attempt, watched)
        elif isinstance(attempt.phase, Starting):
            assert watched.leader is not None
            self._book.move(attempt.token, watched.leader)
        else:
            return
        attempt = self._book.attempts[attempt.token]
        assert attempt.container is not None
        self._removal.unstage(attempt.container.name)
        if attempt.live is not None:
            stop, watched.stop = watched.stop, None
            self._runs(attempt, stop)

    def _follow(self, attempt: Attempt, watched: Watched) -> None:
        """Attaches another command line, whose output is the log from now on."""
        container = attempt.container
        assert container is not None
        program = self._engines.program(container.engine)
        began = boottime()
        watched.look_at = began + 5.0  # unless that is known sooner
        if program is None:
            return
        command = [program, "attach", "--no-stdin", "--sig-proxy=false", container.name]
        try:
            log = self._logs.open(attempt.job, attempt.attempt, None)
        except OSError:
            return
        try:
            os.write(log, GAP)
            stdio = [(os.POSIX_SPAWN_DUP2, fd, n) for n, fd in enumerate((self._null, log, log))]
            environment = self._tools.leading(LEADER, attempt.token)
            pid = os.posix_spawn(program, command, environment, file_actions=stdio, setsid=True)
        except OSError:
            return
        finally:
            os.close(log)
        by = boottime()
        self._endings.leaders[pid] = attempt.token
        watched.lives, watched.look_at, watched.followed_at = True, None, began
        if attempt.live is None:
            watched.leader = Runs(pid=pid, began=began, by=by, started_at=round(wall(), 3))
            self._book.move(attempt.token, watched.leader)
        else:
            self._book.move(attempt.token, Follows(pid=pid, began=began, by=by))

    def _not_begun(self, attempt: Attempt, watched: Watched, state: State) -> None:
        if watched.lives:
            watched.look_at = boottime() + watched.pause
            return
        tail = self._logs.tail(attempt.job, attempt.attempt)
        said = state.error or Done(1, "", tail.decode(errors="replace")).failure
        why = (
            watched.stop.why
            if watched.stop
            else f"its container cannot be started on node {self._node}: {said}"
        )
        if not isinstance(attempt.phase, Starting):
            self._over(attempt, watched, Ends(why=why))
            return
        if watched.leader is None and watched.stop is None:
            self._finish(attempt, NOT_LAUNCHED)
        else:
            self._finish(attempt, Refused(why=why, final=watched.stop is None))

    def _has_ended(self, attempt: Attempt, watched: Watched, state: State) -> None:
        now = boottime()
        if watched.lives:  # it has the last of the output to write
            watched.ended_since = now if watched.ended_since is None else watched.ended_since
            watched.look_at = now + 0.5
            if now >= watched.ended_since + _HANGS and watched.leader is not None:
                signal_group((attempt.live or watched.leader).pid, signal.SIGKILL)
            return
        why = "it was killed because memory ran out" if state.out_of_memory else ""
        if state.exit_code is None:
            why = why or "its container's exit code is not known"
        self._over(attempt, watched, Ends(exit_code=state.exit_code, why=why))

    def _over(self, attempt: Attempt, watched: Watched, ends: Ends) -> None:
        if isinstance(attempt.phase, Starting) and watched.leader is not None:
            attempt = self._book.move(attempt.token, watched.leader)
            if watched.stop is not None:
                attempt = self._book.move(attempt.token, watched.stop)
        self._finish(attempt, self._explain(attempt, replace(ends, ended_at=round(wall(), 3))))

    def _finish(self, attempt: Attempt, what: Ends | Refused) -> None:
        new = self._book.move(attempt.token, what)
        self._all.pop(attempt.token, None)
        self._ended(new)
        assert attempt.container is not None
        began = isinstance(attempt.phase, Starting)
        self._removal.clear_away(attempt.container.name, attempt.container, twice=began)

    # -------------------------------------------------------------- signals

    def signal(self, attempt: Attempt, number: int) -> None:
        """Has the engine signal the container's process 1."""
        assert attempt.container is not None
        arguments = ["kill", "--signal", signal.Signals(number).name, attempt.container.name]
        self._ask(attempt.container, arguments, lambda done: self._signalled(attempt.token, done))

    def _signalled(self, token: str, done: Done) -> None:
        """What could not be signalled may have ended, or its engine may be gone."""
        watched = self._all.get(token)
        if done.code != 0 and watched is not None and watched.look_at is None:
            watched.look_at = boottime() + watched.pause

    def kill(self, attempt: Attempt) -> None:
        """Ends it now. To be called again while it has not ended: then its processes are killed one by one,
        in case that its engine does not."""
        self.signal(attempt, signal.SIGKILL)
        watched = self._all.get(attempt.token)
        if watched is not None:
            watched.kills += 1
            if watched.kills > 1:
                signal_all(attempt.token, NOBODY, "", signal.SIGKILL)

    def exec_command(
        self, attempt: Attempt, command: Sequence[str], variables: Mapping[str, str]
    ) -> list[str]:
        """What runs `command` beside the job, in its container."""
        container = attempt.container
        assert container is not None
        program = self._engines.program(container.engine) or container.engine
        more = [f"--env={name}={value}" for name, value in variables.items()]
        return [program, "exec", f"--workdir={attempt.manner.cwd}", *more, container.name, *command]
