"""Starting the supervisor of jobs, a process that outlives the agent. Called by the line, when there is
none, and by `sentinel-agent supervise`, which becomes it.

It is no child of ours for longer than it takes to make itself independent. Standard library alone, whatever
the agent runs with.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import sentinel
from sentinel.core.errors import SentinelError

LOG = "supervisor.log"
_SECONDS = 10.0
_PROGRAM = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from sentinel.supervisor.__main__ import main
sys.exit(main())
""".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorSettings:
    """Which Unix user jobs run as: `run_as`, or by the file `users`. `arbiter` None: there is none. `name`:
    what the controller calls the node; None: the machine's own name."""

    folder: Path
    name: str | None = None
    run_as: str | None = None
    users: str | None = None
    arbiter: str | None = None

    def arguments(self) -> list[str]:
        found = ["--dir", str(self.folder)]
        for option, value in (
            ("--node", self.name),
            ("--run-as", self.run_as),
            ("--users", self.users),
            ("--arbiter", self.arbiter),
        ):
            if value is not None:
                found += [option, value]
        return found


def become_supervisor(settings: SupervisorSettings) -> NoReturn:
    """Replaces this process by it, for a service manager that is to see it itself. Returns never."""
    os.execv(sys.executable, [*_program(), *settings.arguments(), "--foreground"])  # noqa: S606 - no shell


def start_supervisor(settings: SupervisorSettings) -> None:
    """Returns once it has made itself independent. SentinelError, with its own words, when it would not."""
    command = [*_program(), *settings.arguments()]
    log = settings.folder / LOG
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        out = os.open(log, flags, 0o600)
    except OSError as error:
        raise SentinelError(f"cannot write {log}: {error.strerror}") from None
    before = os.fstat(out).st_size
    try:
        status = _run(command, out)
    finally:
        os.close(out)
    if status != 0:
        raise SentinelError(f"the supervisor did not start: {_said(log, before) or f'exit status {status}'}")


def _program() -> list[str]:
    library = str(Path(sentinel.__file__).parents[1])
    return [sys.executable, "-I", "-S", "-c", _PROGRAM, library]


def _run(command: Sequence[str], out: int) -> int:
    """Not in our session: a Ctrl-C, or the end of our terminal, is not for it."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, cwd="/"
    )
    try:
        return process.wait(_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise SentinelError(f"the supervisor did not start within {_SECONDS:.0f} s") from None


def _said(log: Path, before: int) -> str:
    """Its last line, of what it wrote since."""
    try:
        with log.open("rb") as found:
            found.seek(before)
            lines = found.read(64 * 1024).decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
