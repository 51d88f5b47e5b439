"""Daemons of a test that end when it ends, however it ends, with everything they have started.

Two lives. Imported, `Leash.held()` starts a keeper and hands it command lines. Run as a program, this file is
the keeper: orphans below it become its children, and when the test's end of the pipe closes it kills all and
removes their folder.
Daemons are started in the foreground, one command a line:

    {"argv": ["/usr/sbin/daemon", "-D"], "log": "/tmp/x/daemon.log", "env": {"PATH": "…"}}     →  PID
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Leash:
    """Held by a test."""

    def __init__(self, keeper: "subprocess.Popen[str]") -> None:
        self._keeper = keeper

    @classmethod
    @contextlib.contextmanager
    def held(cls, folder: Path) -> Iterator["Leash"]:
        """At the end, whatever was started through it or came of that is dead, and `folder` is gone."""
        keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a Ctrl-C is for the test; the keeper ends when the test has ended
        )
        try:
            yield cls(keeper)
        finally:
            keeper.communicate(timeout=30)

    def start(self, *argv: str, log: Path, env: Mapping[str, str] | None = None) -> int:
        """Starts a command in the foreground, its output going to `log`; its pid.

        Raises ChildProcessError when there is no such program.
        """
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        order = {"argv": argv, "log": str(log), "env": {"PATH": PATH, "LANG": "C.UTF-8", **(env or {})}}
        self._keeper.stdin.write(json.dumps(order) + "\n")
        self._keeper.stdin.flush()
        said = self._keeper.stdout.readline().strip()
        if not said.isdigit():
            raise ChildProcessError(f"{argv[0]} does not start: {said or 'the keeper is gone'}")
        return int(said)

    def runs(self, pid: int) -> bool:
        """Whether a process that `start` named is still there."""
        return Path(f"/proc/{pid}").exists()


def keep(folder: str) -> None:
    """The keeper's life."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    orders = ""
    while True:
        _reap()
        if not select.select([0], [], [], 0.1)[0]:
            continue
        data = os.read(0, 65536)
        if not data:
            break
        *lines, orders = (orders + data.decode()).split("\n")
        for line in lines:
            print(_start(json.loads(line)), flush=True)
    while below := _below(os.getpid()):
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
        _reap()
    shutil.rmtree(folder, ignore_errors=True)


def _start(order: "dict[str, object]") -> int | str:
    """The pid, else why there is none, in a line."""
    argv, env = order["argv"], order["env"]
    assert isinstance(argv, Sequence)
    assert isinstance(env, dict)
    try:
        with Path(str(order["log"])).open("ab") as log:
            return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env).pid
    except OSError as error:
        return str(error)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _below(pid: int) -> list[int]:
    """All descendants of a process."""
    with contextlib.suppress(OSError):
        tasks = Path(f"/proc/{pid}/task").iterdir()
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
        return [each for child in children for each in (child, *_below(child))]
    return []


if __name__ == "__main__":
    keep(sys.argv[1])
