"""Making a job's process: the cheap way, or by a forked child. Called by `launches`.

The cheap way (posix_spawn, half a millisecond) is for jobs of our own user without limits, terminal or
arbiter; we enter the job's folder for it ourselves, so a folder on a file system that hangs would hold us
up. The other way costs a fork (a millisecond more), never waits for anything, and lets the child change its
user first.
"""

import contextlib
import fcntl
import json
import os
import resource
import select
import signal
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from sentinel.core.clock import boottime, wall
from sentinel.core.job import JobSpec
from sentinel.supervisor.attempts import Refused, Runs
from sentinel.supervisor.child import Mounts, Plan, become
from sentinel.supervisor.container_plan import Inside
from sentinel.supervisor.finding import find_program, why_not_entered, why_not_executed
from sentinel.supervisor.users import Person
from sentinel.supervisor.wire import Launch

KEPT = 3
"""Which descriptor of its keeper a terminal is."""
_LIMITS: dict[str, int] = {
    name.removeprefix("RLIMIT_").lower(): getattr(resource, name)
    for name in dir(resource)
    if name.startswith("RLIMIT_") and name != "RLIMIT_OFILE"
}


def limits_of(spec: JobSpec, node: str) -> Mapping[int, int] | Refused:
    """Its rlimits by number. None is above what this node allows us."""
    found: dict[int, int] = {}
    for name, value in spec.limits.items():
        number = _LIMITS.get(name)
        if number is None:
            return Refused(why=f"limit {name!r} is none of {', '.join(sorted(_LIMITS))}", final=True)
        _, hard = resource.getrlimit(number)
        if hard != resource.RLIM_INFINITY and (value == resource.RLIM_INFINITY or value > hard):
            return Refused(why=f"limit {name}={value} is above what node {node} allows, {hard}", final=True)
        found[number] = value
    return found


@dataclass(slots=True)
class Fork:
    """A child that has not executed its command yet. `status`, `gate`: see `child`. `master`: its
    terminal. `inside`: it becomes the leader of a container, which is made once `granted` (what the arbiter
    adds to the environment) and `sources` (where its binds are) are there."""

    launch: Launch
    person: Person
    environment: Mapping[str, str]
    pid: int
    began: float
    by: float
    status: int
    gate: int | None = None
    asking: socket.socket | None = None
    master: int | None = None
    keeper: tuple[int, int] | None = None
    stopped: str = ""
    """Why it is not to run any more."""
    said: bytearray = field(default_factory=bytearray)
    command: Sequence[str] = ()
    inside: Inside | None = None
    granted: Mapping[str, str] | None = None
    sources: list[str] | None = None

    def go(self, variables: Mapping[str, Any]) -> None:
        """Lets it through its gate."""
        if self.gate is not None:
            with contextlib.suppress(OSError):  # it was killed meanwhile, and its end will tell
                os.write(self.gate, json.dumps(dict(variables)).encode() + b"\n")
            self._shut_gate()

    def close(self) -> None:
        """Lets go of it. One that waits at its gate ends."""
        self._shut_gate()
        os.close(self.status)
        if self.asking is not None:
            self.asking.close()
            self.asking = None

    def _shut_gate(self) -> None:
        if self.gate is not None:
            os.close(self.gate)
            self.gate = None


def keep_terminal(master: int, leader: int) -> int | None:
    """A process that keeps a terminal open, as descriptor KEPT, while its job's leader lives: were the
    supervisor killed, the kernel would hang up on the job. Its pid; None when there cannot be one."""
    try:
        pidfd = os.pidfd_open(leader)
    except OSError:
        return None
    try:
        pid = os.fork()
        if pid == 0:
            _keep(master, pidfd)
        return pid
    except OSError:
        return None
    finally:
        os.close(pidfd)


def _keep(master: int, pidfd: int) -> NoReturn:
    try:
        signal.set_wakeup_fd(-1)
        os.setsid()
        safe = fcntl.fcntl(pidfd, fcntl.F_DUPFD_CLOEXEC, KEPT + 1)
        os.dup2(master, KEPT)
        os.closerange(KEPT + 1, safe)
        os.closerange(safe + 1, 1 << 20)
        select.select([safe], [], [])
    finally:
        os._exit(0)


class Launcher:
    """`lock`: the descriptor that keeps a successor from starting while a child has not executed."""

    def __init__(self, node: str, lock: int) -> None:
        self._node, self._lock = node, lock
        self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self._umask = os.umask(0o022)
        os.umask(self._umask)

    def spawn(
        self, launch: Launch, command: Sequence[str], environment: dict[str, str], log: int, user: str
    ) -> Runs | Refused:
        """The cheap way."""
        spec = launch.spec
        try:
            os.chdir(spec.cwd)
        except OSError as error:
            return why_not_entered(spec.cwd, error.errno, user, self._node)
        if spec.umask != self._umask:
            os.umask(spec.umask)
            self._umask = spec.umask
        stdio = (
            (os.POSIX_SPAWN_DUP2, self._null, 0),
            (os.POSIX_SPAWN_DUP2, log, 1),
            (os.POSIX_SPAWN_DUP2, log, 2),
        )
        began = boottime()
        try:
            program = find_program(command[0], environment)
            pid = os.posix_spawn(program, list(command), environment, file_actions=stdio, setsid=True)
        except OSError as error:
            return why_not_executed(command[0], error.errno, user, self._node, environment)
        finally:
            os.chdir("/")
        return Runs(pid=pid, began=began, by=boottime(), started_at=round(wall(), 3))

    def fork(
        self,
        launch: Launch,
        command: Sequence[str],
        environment: dict[str, str],
        person: Person,
        limits: Mapping[int, int],
        log: int,
        *,
        gate: bool = False,
        arbiter: str | None = None,
        inside: Inside | None = None,
    ) -> Fork | Refused:
        """The other way. What becomes of it is told on the fork's `status`. `inside`: for a container, with
        `environment` that of its engine's command line."""
        spec = launch.spec
        mounts = None
        if inside is not None:
            mounts = Mounts(sources=tuple(one.source for one in inside.binds), place=inside.place)
        theirs, ours = contextlib.ExitStack(), contextlib.ExitStack()
        master = slave = gate_out = gate_in = asking = None
        with theirs:
            try:
                status, status_in = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
                ours.callback(os.close, status)
                theirs.callback(os.close, status_in)
                if gate:
                    gate_out, gate_in = os.pipe2(os.O_CLOEXEC)
                    ours.callback(os.close, gate_in)
                    theirs.callback(os.close, gate_out)
                if arbiter is not None:
                    asking = ours.enter_context(socket.socket(socket.AF_UNIX))
                if spec.pty:
                    master, slave = os.openpty()
                    ours.callback(os.close, master)
                    theirs.callback(os.close, slave)
                    os.set_blocking(master, False)
                    if person.other:
                        os.fchown(slave, person.uid, -1)
                fds = (gate_out, slave, None if asking is None else asking.fileno())
                plan = Plan(
                    command=command,
                    environment=environment,
                    cwd="/" if mounts else spec.cwd,
                    umask=0o022 if mounts else spec.umask,
                    limits=limits,
                    person=person,
                    stdio=(self._null, log, log) if slave is None else (slave, slave, slave),
                    terminal=spec.pty,
                    status=status_in,
                    gate=gate_out,
                    arbiter=None if asking is None or arbiter is None else (asking, arbiter),
                    keep=(self._lock, *(fd for fd in fds if fd is not None)),
                    mounts=mounts,
                )
                began = boottime()
                pid = os.fork()
                if pid == 0:
                    become(plan)
            except OSError as error:
                ours.close()
                return Refused(why=f"node {self._node} cannot make a process now: {error.strerror}")
            ours.pop_all()
        return Fork(
            launch=launch,
            person=person,
            environment=environment,
            pid=pid,
            began=began,
            by=boottime(),
            status=status,
            gate=gate_in,
            asking=asking,
            master=master,
            command=command,
            inside=inside,
        )

    def checkpoint(
        self,
        cwd: str,
        umask: int,
        person: Person,
        command: Sequence[str],
        environment: dict[str, str],
        log: int,
    ) -> int:
        """The pid of a process beside a job. OSError."""
        said = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        try:
            plan = Plan(
                command=command,
                environment=environment,
                cwd=cwd,
                umask=umask,
                limits={},
                person=person,
                stdio=(self._null, log, log),
                terminal=False,
                status=said,
                gate=None,
                arbiter=None,
                keep=(self._lock,),
            )
            pid = os.fork()
            if pid == 0:
                become(plan)
        finally:
            os.close(said)
        return pid
