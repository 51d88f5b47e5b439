"""sentinel-supervisor: the parent of a node's jobs. Started by the agent, which it outlives.

    python -m sentinel.supervisor --dir DIR [--run-as USER | --users FILE] [--arbiter SOCKET]

Returns once it answers on DIR/supervisor.sock: what serves is a process out of the starter's session.
Started where one runs already it does nothing. Needs the standard library alone.
"""

import argparse
import contextlib
import fcntl
import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sentinel import __version__
from sentinel.core.clock import boot_id, monotonic, rfc3339, wall
from sentinel.core.errors import SentinelError, UsageError
from sentinel.core.units import parse_size
from sentinel.supervisor.kernel import adopt_orphans
from sentinel.supervisor.logs import DEFAULT_CAP, DEFAULT_TOTAL
from sentinel.supervisor.loop import Settings, Supervisor
from sentinel.supervisor.scopes import can_make_scopes
from sentinel.supervisor.specs import ENGINES
from sentinel.supervisor.users import DEFAULT_USERS, Users

LOCK_PATIENCE = 10.0
"""Seconds to wait for the lock of one that was killed: a child of it may be about to execute."""
_RUNS = b"runs\n"


def main(arguments: list[str] | None = None) -> int:
    """Starts it. Exit 0: it serves; 1: it cannot; 2: the arguments are wrong."""
    options = _parser().parse_args(arguments)
    try:
        folder = _folder(options.dir)
        users = Users(run_as=options.run_as, file=options.users)
        if users.fault:
            raise UsageError(users.fault)
        if options.foreground:
            return _serve(options, folder, users, _note, lambda: None)
        return _in_background(options, folder, users)
    except SentinelError as error:
        print(f"sentinel-supervisor: {error.message}", file=sys.stderr)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sentinel-supervisor",
        description="Runs a node's jobs: launches, watches and ends them. One for each folder.",
        epilog="SIGTERM ends it and leaves its jobs running; the next one takes them over.",
    )
    parser.add_argument("--dir", required=True, metavar="DIR", help="journal, logs and socket are here")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--run-as", metavar="USER", help="all jobs run as this Unix user")
    who.add_argument(
        "--users", metavar="FILE", help=f"which owner's jobs run as which Unix user; as root {DEFAULT_USERS}"
    )
    parser.add_argument("--arbiter", metavar="SOCKET", help="the arbiter to ask for GPUs, where it is there")
    parser.add_argument(
        "--node", default=os.uname().nodename, metavar="NAME", help="for messages (%(default)s)"
    )
    parser.add_argument(
        "--log-cap", type=_size, default=DEFAULT_CAP, metavar="SIZE", help="of one job's log (256MiB)"
    )
    parser.add_argument(
        "--log-total", type=_size, default=DEFAULT_TOTAL, metavar="SIZE", help="of all logs together (10GiB)"
    )
    for engine, program in (("docker", "Docker"), ("podman", "Podman")):
        parser.add_argument(
            f"--{engine}",
            metavar="FILE",
            help=f"{program}'s command line, where it is not in the usual places",
        )
    parser.add_argument(
        "--scopes",
        choices=("auto", "never"),
        default="auto",
        help="a systemd scope for each job, where systemd runs and we are root (%(default)s)",
    )
    parser.add_argument("--foreground", action="store_true", help="stay where it was started")
    parser.add_argument("--version", action="version", version=f"sentinel {__version__}")
    return parser


def _size(text: str) -> int:
    try:
        return max(parse_size(text), 64 * 1024)
    except UsageError as error:
        raise argparse.ArgumentTypeError(error.message) from None


def _folder(text: str) -> Path:
    folder = Path(text).absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot use {folder}: {error.strerror}; choose another --dir") from None
    found = folder.stat()
    if found.st_uid != os.geteuid():
        raise UsageError(f"{folder} belongs to uid {found.st_uid}; choose another --dir")
    return folder


# ------------------------------------------------------------------ serving


def _serve(
    options: argparse.Namespace,
    folder: Path,
    users: Users,
    note: Callable[[str], None],
    ready: Callable[[], None],
) -> int:
    lock = _only_one(folder)
    os.chdir("/")
    if not adopt_orphans():
        note("processes that leave their job's group are found only when it is stopped")
    settings = Settings(
        folder=folder,
        node=options.node,
        boot_id=boot_id(),
        lock=lock,
        users=users,
        arbiter=options.arbiter,
        log_cap=options.log_cap,
        log_total=options.log_total,
        scopes=options.scopes == "auto" and can_make_scopes(),
        engines={name: path for name in ENGINES if (path := getattr(options, name)) is not None},
    )
    supervisor = Supervisor(settings, note)
    gc.freeze()  # forked children then touch fewer pages
    ready()
    supervisor.run()
    return 0


def _only_one(folder: Path) -> int:
    """The lock. Held open until exec by children too, so that nothing is launched behind a successor's
    back."""
    path = folder / "supervisor.lock"
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise UsageError(f"cannot use {folder}: {error.strerror}; choose another --dir") from None
    end = monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if running(folder) is not None or monotonic() > end:
                os.close(fd)
                raise SentinelError(f"another supervisor uses {folder}; nothing is done") from None
            time.sleep(0.02)
            continue
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        return fd


def running(folder: Path) -> int | None:
    """The pid of the supervisor that has that folder; None when the one that had it is gone."""
    try:
        pid = int((folder / "supervisor.lock").read_text())
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, ValueError, IndexError):
        return None
    return None if state in "ZX" else pid


# ------------------------------------------------------------------ in the background


def _in_background(options: argparse.Namespace, folder: Path, users: Users) -> int:
    """Two forks and a session of its own; its output goes to DIR/supervisor.log. Waits until it serves."""
    if running(folder) is not None and _is_locked(folder):
        return 0
    said, saying = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.close(said)
        _run_detached(options, folder, users, saying)
    os.close(saying)
    with contextlib.suppress(ChildProcessError):
        os.wait()
    words = b""
    while part := os.read(said, 4096):
        words += part
        if words.endswith(_RUNS):
            return 0
    raise SentinelError(
        words.decode(errors="replace").strip() or f"it ended at once; see {folder}/supervisor.log"
    )


def _run_detached(options: argparse.Namespace, folder: Path, users: Users, saying: int) -> None:
    code = 1
    try:
        _let_go_of_the_starter(folder, saying)
        code = _serve(options, folder, users, _note, lambda: _say_that_it_runs(saying))
    except SentinelError as error:
        _note(error.message)
        with contextlib.suppress(OSError):
            os.write(saying, error.message.encode())
    except BaseException as error:  # noqa: BLE001 - nobody but the log can be told
        import traceback

        traceback.print_exc()
        with contextlib.suppress(OSError):
            os.write(saying, f"{type(error).__name__}: {error}; see {folder}/supervisor.log".encode())
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(code)


def _say_that_it_runs(saying: int) -> None:
    with contextlib.suppress(OSError):
        os.write(saying, _RUNS)
    os.close(saying)


def _let_go_of_the_starter(folder: Path, saying: int) -> None:
    """Nothing of whoever started us stays: no descriptor, no signal that is ignored, no environment."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    log = os.open(folder / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    for source, number in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, number)
    os.closerange(3, saying)
    os.closerange(saying + 1, 1 << 20)
    os.environ.clear()


def _is_locked(folder: Path) -> bool:
    try:
        fd = os.open(folder / "supervisor.lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def _note(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        print(f"{rfc3339(wall())} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
