"""From the agent's `launch` to a job that runs, or a refusal that says why not. Owned by the loop.

In a turn: first the journal has that these are about to be launched, then they are, then the journal is
flushed, then the agent hears of it. What needs a forked child goes on in later turns, as the child and the
arbiter say.
"""

import contextlib
import json
import os
import selectors
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sentinel.core.clock import boottime, wall
from sentinel.supervisor.arbiter import Asking, Granted, No, Waits, Word
from sentinel.supervisor.attempts import (
    Exited,
    Refused,
    Runs,
    Starting,
    Stop,
    Waiting,
)
from sentinel.supervisor.beginning import attempt_of, command_of, unusable
from sentinel.supervisor.book import Book
from sentinel.supervisor.container_making import ContainerMaking
from sentinel.supervisor.container_plan import Inside, inside_of, name_of
from sentinel.supervisor.container_removal import Removal
from sentinel.supervisor.containers import LEADER, Containers
from sentinel.supervisor.endings import Endings
from sentinel.supervisor.environment import environment_of, granted
from sentinel.supervisor.finding import why_not_entered, why_not_executed, why_not_mounted
from sentinel.supervisor.launching import Fork, Launcher, keep_terminal, limits_of
from sentinel.supervisor.logs import Logs
from sentinel.supervisor.proc import look
from sentinel.supervisor.scopes import Scopes
from sentinel.supervisor.terminals import Terminals
from sentinel.supervisor.tools import Tools
from sentinel.supervisor.users import NoUser, Person, Users
from sentinel.supervisor.wire import Launch, Unusable, line

PER_TURN = 16
"""Launches between two looks at everything else."""


@dataclass(slots=True)
class Ready:
    """Nothing speaks against launching it."""

    launch: Launch
    person: Person
    command: Sequence[str]
    environment: dict[str, str]
    limits: Mapping[int, int]
    inside: Inside | None = None


class Launches:
    """Takes launches and makes jobs of them. `say` tells the agent what no journal needs to know."""

    def __init__(
        self,
        *,
        book: Book,
        endings: Endings,
        selector: selectors.BaseSelector,
        launcher: Launcher,
        users: Users,
        logs: Logs,
        terminals: Terminals,
        making: ContainerMaking,
        containers: Containers,
        removal: Removal,
        tools: Tools,
        scopes: Scopes | None,
        arbiter: str | None,
        node: str,
        say: Callable[[bytes], None],
    ) -> None:
        self._book, self._endings, self._selector = book, endings, selector
        self._launcher, self._users, self._logs, self._terminals = launcher, users, logs, terminals
        self._making, self._containers, self._removal, self._tools = making, containers, removal, tools
        self._scopes, self._arbiter, self._node, self._say = scopes, arbiter, node, say
        self._todo: deque[Launch] = deque()
        self._queued: set[str] = set()
        self._forks: dict[str, Fork] = {}
        self.closed = ""
        """Why nothing is launched any more; empty while that is not so."""

    @property
    def pending(self) -> bool:
        return bool(self._todo)

    # -------------------------------------------------------------- what is asked for

    def take(self, launch: Launch | Unusable) -> None:
        """A launch was asked for. Asked twice, it is launched once."""
        if launch.token in self._queued or self._book.tell_again(launch.token):
            return
        if isinstance(launch, Unusable):
            self._book.take(unusable(launch))
            return
        self._queued.add(launch.token)
        self._todo.append(launch)

    def stop(self, token: str, why: str) -> bool:
        """Ends one that has not executed yet. False when there is none."""
        fork = self._forks.get(token)
        if fork is None:
            return self._unqueue(token, why)
        self._heard(fork)
        if self._forks.get(token) is not fork:  # it has just begun, or failed to
            return token in self._book.attempts and self._book.attempts[token].over
        fork.stopped = why
        with contextlib.suppress(ProcessLookupError):
            os.kill(fork.pid, 9)
        return True

    def stop_all(self, why: str) -> None:
        for token in [*self._forks, *self._queued]:
            self.stop(token, why)

    def _unqueue(self, token: str, why: str) -> bool:
        if token not in self._queued:
            return False
        launch = next(one for one in self._todo if one.token == token)
        self._todo.remove(launch)
        self._queued.discard(token)
        self._book.take(attempt_of(launch, Refused(why=why)))
        return True

    # -------------------------------------------------------------- a turn

    def turn(self, now: float) -> None:
        """Launches the next few."""
        batch = [self._todo.popleft() for _ in range(min(PER_TURN, len(self._todo)))]
        self._queued.difference_update(launch.token for launch in batch)
        ready: list[Ready] = []
        for launch in batch:
            found = self._judge(launch, now)
            if isinstance(found, Refused):
                self._book.take(attempt_of(launch, found))
            else:
                ready.append(found)
        there = self._arbiter is not None and os.path.exists(self._arbiter)  # noqa: PTH110
        asking = [one for one in ready if there and one.launch.gpus]
        at_once = [one for one in ready if not (there and one.launch.gpus)]
        for one in asking:
            self._launch(one, asks=True)
        begun = not at_once or self._book.begin(
            attempt_of(one.launch, Starting(), person=one.person) for one in at_once
        )
        for one in at_once:
            if begun:
                self._launch(one, asks=False)
            else:
                self._say_no_room(one.launch)

    def _say_no_room(self, launch: Launch) -> None:
        """It was not begun and is not known here: another try with the same token is welcome."""
        why = f"node {self._node} can launch nothing: {self._book.journal.error}"
        self._say(line({"event": "refused", "token": launch.token, "why": why, "final": False}))

    def _judge(self, launch: Launch, now: float) -> Ready | Refused:
        if self.closed:
            return Refused(why=self.closed)
        if now >= launch.begin_by:
            return Refused(why="it came too late: its time to begin was over")
        if launch.fence_at is not None and now >= launch.fence_at:
            return Refused(why="its lease ran out before it began")
        person = self._users.of(launch.owner)
        if isinstance(person, NoUser):
            return Refused(why=f"node {self._node}: {person.why}", final=True)
        environment = environment_of(launch, person)
        if launch.spec.image is not None:
            inside = inside_of(launch, environment)
            if isinstance(inside, Refused):
                return inside
            try:
                inside = replace(inside, place=self._removal.place(name_of(launch), person))
            except OSError as error:
                return Refused(why=f"node {self._node} can make no container: {error.strerror}")
            return Ready(launch, person, (), self._tools.leading(LEADER, launch.token), {}, inside)
        limits = limits_of(launch.spec, self._node)
        if isinstance(limits, Refused):
            return limits
        return Ready(launch, person, command_of(launch, person, environment), environment, limits)

    def _launch(self, one: Ready, *, asks: bool) -> None:
        launch, person = one.launch, one.person
        token = launch.token
        try:
            log = self._logs.open(launch.job, launch.attempt, person.uid if person.other else None)
        except OSError as error:
            refused = Refused(why=f"node {self._node} cannot open its log: {error.strerror}")
            self._decline(launch, refused)
            return
        try:
            if not (asks or person.other or one.limits or launch.spec.pty or self._scopes or one.inside):
                what = self._launcher.spawn(launch, one.command, one.environment, log, person.name)
                if isinstance(what, Runs):
                    self._endings.leaders[what.pid] = token
                self._book.move(token, what)
                return
            fork = self._launcher.fork(
                launch,
                one.command,
                one.environment,
                person,
                one.limits,
                log,
                gate=asks or self._scopes is not None or one.inside is not None,
                arbiter=self._arbiter if asks else None,
                inside=one.inside,
            )
            if isinstance(fork, Refused):
                self._decline(launch, fork)
                return
            self._follow(fork, asks=asks)
            if fork.master is not None:
                self._open_terminal(fork, fork.master, log)
        except ValueError as error:  # text that cannot be handed to a program
            self._decline(launch, Refused(why=f"node {self._node} cannot launch it: {error}", final=True))
        except OSError as error:  # too many open files, say
            why = f"node {self._node} cannot launch it now: {error.strerror}"
            if not self.stop(token, why):
                self._decline(launch, Refused(why=why))
        finally:
            os.close(log)

    def _decline(self, launch: Launch, refused: Refused) -> None:
        if launch.token in self._book.attempts:
            self._book.move(launch.token, refused)
        else:
            self._book.take(attempt_of(launch, refused))

    # -------------------------------------------------------------- forked children

    def _follow(self, fork: Fork, *, asks: bool) -> None:
        token = fork.launch.token
        self._forks[token] = fork
        self._endings.leaders[fork.pid] = token

        def ready(_mask: int) -> None:
            self._heard(fork)

        self._selector.register(fork.status, selectors.EVENT_READ, ready)
        if asks:
            why = "its node asks the arbiter for the GPUs"
            self._book.take(attempt_of(fork.launch, Waiting(why=why), person=fork.person))
        else:
            self._cleared(fork, {})

    def _cleared(self, fork: Fork, variables: Mapping[str, str]) -> None:
        """It has its GPUs."""
        fork.granted = variables
        if fork.inside is not None:
            self._make_container(fork)
        elif fork.gate is not None:
            self._let_in(fork, variables)

    def _make_container(self, fork: Fork) -> None:
        """Once it has its GPUs and its mounts."""
        if fork.inside is None or fork.granted is None or fork.sources is None or fork.stopped:
            return
        inside = fork.inside
        if fork.granted:
            environment = {**inside.environment, **fork.granted}
            gpus = tuple(fork.granted["CUDA_VISIBLE_DEVICES"].split(","))
            environment["NVIDIA_VISIBLE_DEVICES"] = ",".join(gpus)
            inside = replace(inside, environment=environment, gpus=gpus)

        def failed(refused: Refused) -> None:
            if self._forks.get(fork.launch.token) is fork:
                self._give_up(fork, Refused(why=fork.stopped) if fork.stopped else refused)

        def ready(command: list[str]) -> None:
            if self._forks.get(fork.launch.token) is not fork:
                return
            fence_at = self._book.attempts[fork.launch.token].fence_at
            if fence_at is not None and boottime() >= fence_at:  # its image was long in coming
                failed(Refused(why="its lease ran out before it began"))
            else:
                self._let_in(fork, {"command": command})

        self._making.make(fork.launch, fork.person, inside, fork.sources, ready, failed)

    def _let_in(self, fork: Fork, variables: Mapping[str, Any]) -> None:
        if self._scopes is not None:
            self._enter_scope(fork, variables)
        else:
            fork.go(variables)

    def _open_terminal(self, fork: Fork, master: int, log: int) -> None:
        try:
            own = os.dup(log)
        except OSError:
            os.close(master)
            raise
        self._terminals.open(fork.launch.token, master, own)
        keeper = keep_terminal(master, fork.pid)
        seen = look(keeper) if keeper is not None else None
        if seen is not None:
            self._endings.others.add(seen.pid)
            fork.keeper = seen.pid, seen.started

    def _enter_scope(self, fork: Fork, variables: Mapping[str, Any]) -> None:
        """Lets it go on once systemd has put it into a scope of its own; without one if that cannot be."""
        assert self._scopes is not None
        launch = fork.launch

        def entered(name: str) -> None:
            if self._forks.get(launch.token) is not fork:
                return
            if name:
                self._book.set_scope(launch.token, name)
            fork.go(variables)

        self._scopes.enter(launch.job, launch.attempt, fork.pid, entered)

    def _heard(self, fork: Fork) -> None:
        try:
            data = os.read(fork.status, 65536)
        except BlockingIOError:
            return
        fork.said += data
        if data and b"\n" not in data:
            return
        *lines, rest = bytes(fork.said).split(b"\n")
        fork.said = bytearray(rest)
        for text in lines:
            word: dict[str, Any] = json.loads(text)
            if word["at"] == "connected":
                self._ask(fork)
            elif word["at"] == "mounted":
                fork.sources = word["sources"]
                self._make_container(fork)
                if self._forks.get(fork.launch.token) is not fork:
                    return
            else:
                self._failed(fork, word)
                return
        if not data:
            self._executed(fork)

    def _executed(self, fork: Fork) -> None:
        """The child said nothing and closed its end: the command runs, or it was killed before. One that was
        never let through its gate has run nothing; of any other that cannot be told, so it has run."""
        token = fork.launch.token
        if fork.gate is not None:
            self._give_up(fork, Refused(why=fork.stopped or "it was killed before it began"))
            return
        self._let_go(fork)
        if fork.keeper is not None:
            self._book.set_keeper(token, fork.keeper)
        runs = Runs(pid=fork.pid, began=fork.began, by=fork.by, started_at=round(wall(), 3))
        if fork.inside is not None:  # whether it runs, its engine will say
            self._containers.begun(token, runs)
            if fork.stopped:
                self._containers.stop_starting(token, Stop(why=fork.stopped, kill_at=boottime()))
            return
        self._book.move(token, runs)
        if fork.stopped:
            self._book.move(token, Stop(why=fork.stopped, kill_at=boottime()))

    def _failed(self, fork: Fork, word: Mapping[str, Any]) -> None:
        spec, user, number = fork.launch.spec, fork.person.name, word.get("errno")
        match word["at"]:
            case "cwd":
                refused = why_not_entered(spec.cwd, number, user, self._node)
            case "mount":
                refused = why_not_mounted(word["what"], spec.cwd, number, user, self._node)
            case "command":
                program = fork.command[0] if fork.command else "of its engine"
                refused = why_not_executed(program, number, user, self._node, fork.environment)
            case "arbiter":
                where = f"node {self._node} does not answer on {self._arbiter}"
                refused = Refused(why=f"the arbiter of {where}")
            case stage:
                what = word.get("what") or os.strerror(number or 0)
                refused = Refused(
                    why=f"node {self._node} cannot launch it as user {user}: {stage}: {what}",
                    final=number is not None,
                )
        self._give_up(fork, Refused(why=fork.stopped) if fork.stopped else refused)

    def forked(self, pid: int, _status: int) -> bool:
        """A child has ended: whether it was one that had not executed yet. Then its last words count."""
        fork = next((one for one in self._forks.values() if one.pid == pid), None)
        if fork is None:
            return False
        self._heard(fork)
        if self._forks.get(fork.launch.token) is fork:  # not whole words: it was killed
            self._executed(fork)
        self._endings.others.discard(pid)
        attempt = self._book.attempts.get(fork.launch.token)
        return attempt is None or attempt.live is None

    def _give_up(self, fork: Fork, refused: Refused) -> None:
        self._let_go(fork)
        self._endings.disown(fork.pid)
        self._terminals.close(fork.launch.token, Exited())
        self._decline(fork.launch, refused)
        if fork.inside is not None:
            self._making.abandon(fork.launch)

    def _let_go(self, fork: Fork) -> None:
        self._forks.pop(fork.launch.token, None)
        self._selector.unregister(fork.status)
        if fork.asking is not None and fork.asking in self._selector.get_map():
            self._selector.unregister(fork.asking)
        fork.close()

    # -------------------------------------------------------------- the arbiter

    def _ask(self, fork: Fork) -> None:
        assert fork.asking is not None
        asking = Asking(fork.asking, fork.launch, lambda word: self._answered(fork, word))
        if asking.fault:
            self._answered(fork, No(asking.fault))
            return
        self._selector.register(fork.asking, selectors.EVENT_READ, asking.ready)

    def _answered(self, fork: Fork, word: Word) -> None:
        token = fork.launch.token
        if fork.stopped:
            return
        match word:
            case Waits():
                self._book.move(token, Waiting(why=word.why))
            case No():
                self.stop(token, word.why)
            case Granted():
                assert fork.asking is not None
                self._selector.unregister(fork.asking)
                fork.asking.close()
                fork.asking = None
                self._granted(fork, word)

    def _granted(self, fork: Fork, grant: Granted) -> None:
        launch = fork.launch
        fence_at = self._book.attempts[launch.token].fence_at
        if fence_at is not None and boottime() >= fence_at:
            self.stop(launch.token, "its lease ran out before it began")
            return
        if not self._book.begin([attempt_of(launch, Starting(), fence_at=fence_at, person=fork.person)]):
            self._selector.unregister(fork.status)
            fork.close()
            del self._forks[launch.token]
            if fork.inside is not None:
                self._making.abandon(launch)
            self._book.drop(launch.token)
            self._say_no_room(launch)
            return
        self._cleared(fork, granted(grant.lease, grant.devices))
