"""`sentinel down`: the controller and the agent end, then the supervisor, with all jobs. Idempotent.

The controller goes first, so that no waiting job is placed on GPUs that become free. How the jobs ended is
in the supervisor's journal; the controller hears of it when it is up again.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sentinel.core.clock import boottime
from sentinel.core.errors import SentinelError
from sentinel.core.socket_path import socket_path
from sentinel.server import pid_file
from sentinel.server.folders import Folders
from sentinel.server.processes import python

STOP_SECONDS = 30.0
START_SECONDS = 10.0
_TELL_AFTER = 2.0
_LOOK = 0.02


def down(folders: Folders, say: Callable[[str], None] = print) -> int:
    """Returns when all are gone. SentinelError when something does not end."""
    if not folders.root.is_dir():
        say(f"nothing runs in {folders.root}: there is no such folder")
        return 0
    stopped = _stop_controller(folders)
    ended = _end_supervisor(folders, say)
    say(f"{folders.root}: {_summary(stopped, ended)}")
    return 0


def _summary(stopped: bool, ended: bool) -> str:
    if not stopped and not ended:
        return "nothing was running"
    return "all ended" if ended else "the controller ended; there was no supervisor with jobs"


def _stop_controller(folders: Folders) -> bool:
    """Whether there was one."""
    if not pid_file.locked(folders.pid_file):
        return False
    until = boottime() + START_SECONDS
    while (other := pid_file.running(folders.pid_file)) is None and pid_file.locked(folders.pid_file):
        if boottime() > until:
            raise SentinelError(
                f"{folders.pid_file} is locked by a process that it does not name; end that one"
            )
        time.sleep(_LOOK)
    if other is None:
        return True
    try:
        process = os.pidfd_open(other.pid)
    except ProcessLookupError:
        return True
    try:
        if pid_file.start_time(other.pid) != other.started:
            return True
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, number)
            if select.select([process], [], [], STOP_SECONDS)[0]:
                return True
    except PermissionError:
        raise SentinelError(
            f"the controller (pid {other.pid}) belongs to somebody else; run this as that user"
        ) from None
    finally:
        os.close(process)
    raise SentinelError(f"the controller (pid {other.pid}) does not end, though it was killed")


def _end_supervisor(folders: Folders, say: Callable[[str], None]) -> bool:
    """Whether there was one, or jobs of one that was killed."""
    line = _connect(folders.node)
    if line is None and _may_have_jobs(folders.node):
        line = _started(folders.node)
    found = line is not None
    while line is not None:
        _end(line, say)
        line = _connect(folders.node)
    return found


def _connect(node: Path) -> socket.socket | None:
    """The supervisor's socket; None when nobody listens there."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with socket_path(node / "supervisor.sock") as name:
            line.connect(name)
    except PermissionError:
        line.close()
        raise SentinelError(
            f"the supervisor in {node} belongs to somebody else; run this as that user"
        ) from None
    except OSError:
        line.close()
        return None
    return line


def _end(line: socket.socket, say: Callable[[str], None]) -> None:
    """Returns when the supervisor has closed the line, which it does when it has ended."""
    with line:
        try:
            line.sendall(json.dumps({"cmd": "end", "jobs": True}).encode() + b"\n")
            line.settimeout(_TELL_AFTER)
            while True:
                try:
                    if not line.recv(65536):
                        return
                except TimeoutError:
                    say("waiting for jobs to end; each has its time between SIGTERM and SIGKILL")
                    line.settimeout(None)
        except OSError:
            return


def _may_have_jobs(node: Path) -> bool:
    """A supervisor that was killed leaves its journal, and perhaps jobs that run."""
    try:
        return (node / "journal").stat().st_size > 0
    except OSError:
        return False


def _started(node: Path) -> socket.socket | None:
    """A new supervisor, which takes over what still runs, so that it can be ended."""
    words = python("sentinel.supervisor.__main__", "--dir", str(node))
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            start_new_session=True,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        done = None
    until = boottime() + START_SECONDS
    while done is not None and done.returncode == 0 and boottime() < until:
        if (line := _connect(node)) is not None:
            return line
        time.sleep(_LOOK)
    why = "" if done is None else f": {done.stderr.strip()[-200:]}"
    print(f"sentinel: what may still run in {node} could not be looked at{why}", file=sys.stderr)
    return None
