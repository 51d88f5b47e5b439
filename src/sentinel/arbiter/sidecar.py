"""Small servers beside the arbiter, each a process of its own without rights. Called by page.py and
placeholder.py.

What the network can reach does not run as root: a sidecar is a bare `python -I -S` in an empty environment
that becomes another user before it opens anything. It reads the arbiter's socket like anyone, and ends when
its standard input does, which is at the latest when the arbiter does.
"""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import sentinel

AGAIN_AFTER = 5.0
_KILL_SECONDS = 5.0
# The rights go after the imports (argparse puts one off: shutil) and before anything else, as Python itself
# may be where only root can read.
_PROGRAM = """
import os, shutil, sys
from importlib import import_module
sys.path.insert(0, sys.argv.pop(1))
module = import_module(sys.argv.pop(1))
uid, gid = int(sys.argv.pop(1)), int(sys.argv.pop(1))
if uid != os.geteuid():
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
sys.exit(module.main())
"""


def start_sidecar(
    name: str, module: str, arguments: Sequence[str], *, user: str, grace_seconds: float = 0.0
) -> Callable[[], None]:
    """Runs `module`'s main() as `user` (as ourselves where we are not root), and again whenever it ends.

    Answers what ends it for good: that closes its standard input, kills it after `grace_seconds`, and
    returns when it is gone. `name` is for messages.
    """
    over = threading.Event()
    starting = threading.Lock()
    running: list[subprocess.Popen[bytes]] = []
    library = str(Path(sentinel.__file__).parents[1])

    def command() -> list[str]:
        return [sys.executable, "-I", "-S", "-c", _PROGRAM, library, module, *_identity(user), *arguments]

    def start() -> subprocess.Popen[bytes] | None:
        with starting:
            if over.is_set():
                return None
            running[:] = [_spawn(command())]
            return running[0]

    def keep() -> None:
        while not over.is_set():
            try:
                process = start()
            except (OSError, LookupError, ValueError, subprocess.SubprocessError) as error:
                print(f"{name}: cannot start: {error}", file=sys.stderr, flush=True)
            else:
                if process and process.stdin:
                    process.wait()
                    process.stdin.close()
            over.wait(AGAIN_AFTER)

    threading.Thread(target=keep, name=name, daemon=True).start()

    def end() -> None:
        over.set()
        with starting:
            for process in running:
                _end(process, grace_seconds)

    return end


def _spawn(command: list[str]) -> "subprocess.Popen[bytes]":
    env = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    return subprocess.Popen(command, stdin=subprocess.PIPE, env=env, cwd="/")


def _end(process: "subprocess.Popen[bytes]", grace_seconds: float) -> None:
    assert process.stdin
    process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace_seconds)
        return
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_KILL_SECONDS)


def _identity(user: str) -> tuple[str, str]:
    """The uid and gid to become. LookupError when there is no such user."""
    if os.geteuid() != 0:
        return str(os.geteuid()), str(os.getegid())
    import pwd

    entry = pwd.getpwnam(user)
    return str(entry.pw_uid), str(entry.pw_gid)
