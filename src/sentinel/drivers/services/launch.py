"""Becomes a service's command. launching.py runs this file, alone, as `python -I -S launch.py FD`.

Why a program of its own: it waits at its standard input until the driver has written down who it is,
and leaves without a trace when the driver dies before that. So no fault leaves a copy of a service
that nobody knows of. What goes wrong before the command runs is told on descriptor FD as one line.

Standard input carries one JSON object and its end:
    {"command": [str…], "env": {str: str}, "cwd": str | null, "user": [uid, gid, [gid…]] | null}
"""

import contextlib
import json
import os
import signal
import sys
from typing import TypedDict


class Orders(TypedDict):
    """What the driver sends."""

    command: list[str]
    env: dict[str, str]
    cwd: str | None
    user: tuple[int, int, list[int]] | None


def main() -> None:
    report = int(sys.argv[1])
    os.set_inheritable(report, False)  # closed by a successful exec: that is the driver's good news
    try:
        orders: Orders = json.loads(sys.stdin.buffer.read())
    except ValueError:
        sys.exit(1)  # the driver died; nobody is to know of us, and nobody has to
    doing = "prepare it"
    try:
        _leave_behind()
        if orders["user"]:
            doing = f"switch to uid {orders['user'][0]}"
            _become(*orders["user"])
        if orders["cwd"]:
            doing = f"enter {orders['cwd']}"
            os.chdir(orders["cwd"])
        doing = f"run {orders['command'][0]}{_search(orders)}"
        os.execvpe(orders["command"][0], orders["command"], orders["env"])  # noqa: S606 - the whole point
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        with contextlib.suppress(OSError):
            os.write(report, f"cannot {doing}: {why}".encode())
        sys.exit(127)


def _search(orders: Orders) -> str:
    """Where a command without a folder is not to be found, for an error message; "" when it is."""
    name, path = orders["command"][0], os.get_exec_path(orders["env"])
    if "/" in name or any(os.access(f"{folder}/{name}", os.X_OK) for folder in path):
        return ""
    return f" (not in any folder of PATH={':'.join(path)})"


def _leave_behind() -> None:
    """Takes off what a service should not inherit of the arbiter: our pipe, signal settings, umask."""
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    # Python's own (SIGPIPE, SIGXFSZ), and what the shell that started the arbiter may have set.
    for number in signal.valid_signals():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    os.umask(0o022)


def _become(uid: int, gid: int, groups: list[int]) -> None:
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


if __name__ == "__main__":
    main()
