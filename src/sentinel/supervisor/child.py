"""The forked child, from fork to exec: it becomes a job's leader. Called by `launching`, in a process of its
own.

The order matters: what root may do is done before the user is set, and the folder is entered after that,
because it may be one that root cannot enter (NFS) or that the user may not.

It says on `status`, one JSON line each: {"at": "connected"} when the arbiter's socket is connected,
{"at": "mounted", "sources": [PATH…]} when what a container mounts was opened, and {"at": STAGE, "errno": N}
when it cannot go on. Nothing and the end of it: the command runs, or this process was killed before. With a
`gate` it waits there for a line: the environment's further variables; for a container {"command": […]}, since
that is not known sooner. No line: it ends, and has run nothing. The lock of the supervisor stays open until
exec, so no successor can start while one of these might yet run.

For a container it stays the supervisor's own user, who may use the engine, and is the job's only while it
connects to the arbiter and opens what is to be mounted.
"""

import contextlib
import fcntl
import json
import os
import resource
import signal
import socket
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from sentinel.supervisor.finding import find_program
from sentinel.supervisor.stage import Unreachable, as_person, check, put
from sentinel.supervisor.users import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`stdio`: what becomes its three first descriptors. `keep`: descriptors that must stay until exec."""

    command: Sequence[str]
    environment: dict[str, str]
    cwd: str
    umask: int
    limits: Mapping[int, int]
    person: Person
    stdio: tuple[int, int, int]
    terminal: bool
    status: int
    gate: int | None
    arbiter: tuple[socket.socket, str] | None
    keep: tuple[int, ...]
    mounts: "Mounts | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounts:
    """What a container is to get of the node. `place`: where it is put for the engine, see `stage`; None: the
    engine may do no more than the job's user, and takes it from where it is."""

    sources: tuple[str, ...]
    place: str | None


def become(plan: Plan) -> NoReturn:
    """Never returns, whatever happens."""
    stage = "start"
    try:
        stage = _prepare(plan)
        stage = "user"
        if plan.person.other and plan.mounts is None:
            os.initgroups(plan.person.name, plan.person.gid)
            os.setgid(plan.person.gid)
            os.setuid(plan.person.uid)
        if plan.arbiter is not None:
            stage = "arbiter"
            sock, path = plan.arbiter
            with as_person(plan.person) if plan.person.other and plan.mounts else contextlib.nullcontext():
                sock.connect(path)  # as the job's user, from the process whose tree the lease is for
            _say(plan.status, {"at": "connected"})
        if plan.mounts is not None:
            stage = "mounts"
            _mount(plan, plan.mounts)
        environment, command = plan.environment, plan.command
        if plan.gate is not None:
            stage = "gate"
            words = _wait(plan.gate)
            if plan.mounts is not None:
                command = words["command"]
            else:
                environment = {**environment, **words}
        stage = "cwd"
        os.chdir(plan.cwd)
        stage = "command"
        os.execve(find_program(command[0], environment), list(command), environment)  # noqa: S606
    except Unreachable as error:
        _say(plan.status, {"at": "mount", "errno": error.number, "what": error.path})
    except OSError as error:
        _say(plan.status, {"at": stage, "errno": error.errno})
    except BaseException as error:  # noqa: BLE001 - this process must never run the supervisor's code again
        _say(plan.status, {"at": stage, "errno": None, "what": f"{type(error).__name__}: {error}"})
    os._exit(127)


def _mount(plan: Plan, mounts: Mounts) -> None:
    if mounts.place is None:
        check(mounts.sources)
        sources = list(mounts.sources)
    else:
        sources = put(mounts.sources, mounts.place, plan.person)
    _say(plan.status, {"at": "mounted", "sources": sources})


def _prepare(plan: Plan) -> str:
    signal.set_wakeup_fd(-1)
    _close_others({0, 1, 2, plan.status, *plan.stdio, *plan.keep})
    os.setsid()
    if plan.terminal:
        fcntl.ioctl(plan.stdio[0], termios.TIOCSCTTY, 0)
    for number, fd in enumerate(plan.stdio):
        os.dup2(fd, number)
    for limit, value in plan.limits.items():
        resource.setrlimit(limit, (value, value))
    os.umask(plan.umask)
    return "start"


def _close_others(keep: set[int]) -> None:
    """What other children wait on must not be held open here: they would not see their supervisor end."""
    below = 0
    for fd in sorted(keep):
        if fd > below:
            os.closerange(below, fd)
        below = fd + 1
    os.closerange(below, 1 << 20)


def _wait(gate: int) -> dict[str, Any]:
    data = b""
    while not data.endswith(b"\n"):
        part = os.read(gate, 65536)
        if not part:
            os._exit(126)  # the supervisor is gone, or does not want it any more
        data += part
    return json.loads(data)


def _say(fd: int, what: Mapping[str, object]) -> None:
    os.write(fd, json.dumps(what).encode() + b"\n")
