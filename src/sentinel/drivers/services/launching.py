"""Starting a command as some user, held back until it is known who it is. Called by the process driver."""

import contextlib
import json
import os
import pwd
import select
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sentinel.core.errors import ServiceError

_LAUNCHER = Path(__file__).with_name("launch.py")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What is between systemd and the arbiter is no business of a service's.
_PRIVATE = frozenset(
    "NOTIFY_SOCKET WATCHDOG_PID WATCHDOG_USEC LISTEN_PID LISTEN_FDS LISTEN_FDNAMES MAINPID MANAGERPID "
    "INVOCATION_ID JOURNAL_STREAM SYSTEMD_EXEC_PID STATE_DIRECTORY RUNTIME_DIRECTORY".split()
)
_STDERR = 2
_KEPT_FOR_OTHERS = ("PATH", "LANG", "LC_ALL", "TZ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run. `user` None stays who we are; `cwd` None is "/" for another user, else ours.

    Output is appended to `log_path`; None is where the arbiter's standard error goes.
    """

    argv: tuple[str, ...]
    user: str | None
    cwd: str | None
    env: Mapping[str, str]
    log_path: Path | None


class Held:
    """A command that has its pid and its environment, and waits to be released. Holds two pipes till then."""

    def __init__(self, command: Command) -> None:
        """Blocks no longer than a fork. Raises ServiceError; OSError when there is no process to be had."""
        self._user = _resolve(command.user)
        self._command = command
        self._env = _environment(command.env, self._user)
        output = _open_log(command.log_path)
        self._reports, report = os.pipe()
        try:
            self.child = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_LAUNCHER), str(report)],
                env=self._env,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=(report,),
                start_new_session=True,
            )
        except BaseException:
            os.close(self._reports)
            raise
        finally:
            os.close(report)
            if output != _STDERR:
                os.close(output)

    def release(self, timeout: float) -> str | None:
        """Lets it become the command. Why it could not, or None; waits at most `timeout` seconds to hear."""
        user = self._user
        who = (user.pw_uid, user.pw_gid, os.getgrouplist(user.pw_name, user.pw_gid)) if user else None
        cwd = self._command.cwd or ("/" if user else None)
        orders = {"command": self._command.argv, "env": self._env, "cwd": cwd, "user": who}
        assert self.child.stdin is not None
        with contextlib.suppress(BrokenPipeError), self.child.stdin:
            self.child.stdin.write(json.dumps(orders).encode())
        try:
            poller = select.poll()
            poller.register(self._reports, select.POLLIN)
            if not poller.poll(timeout * 1000):
                return "its launcher does not answer"
            return os.read(self._reports, 4096).decode(errors="replace") or None
        finally:
            os.close(self._reports)


def _resolve(name: str | None) -> pwd.struct_passwd | None:
    """Whom to become; None to stay who we are. Root only for a config that says "root"."""
    if name is None:
        return None
    try:
        user = pwd.getpwnam(name)
    except KeyError as error:
        raise ServiceError(f"there is no user {name!r} on this machine") from error
    if user.pw_uid == 0 and name != "root":
        raise ServiceError(f'{name!r} is root by another name; write user = "root" if that is meant')
    if os.geteuid() == 0:
        return user
    if user.pw_uid != os.geteuid():
        raise ServiceError(f"only an arbiter that is root can run it as {name!r}")
    return None


def _environment(extra: Mapping[str, str], user: pwd.struct_passwd | None) -> dict[str, str]:
    """Ours without what is private; for another user hardly more than a login would give."""
    if user is None:
        return {key: value for key, value in os.environ.items() if key not in _PRIVATE} | dict(extra)
    env = {key: os.environ[key] for key in _KEPT_FOR_OTHERS if key in os.environ}
    env.setdefault("PATH", _PATH)
    env |= {"HOME": user.pw_dir, "USER": user.pw_name, "LOGNAME": user.pw_name, "SHELL": user.pw_shell}
    return env | dict(extra)


def _open_log(path: Path | None) -> int:
    if path is None:
        return _STDERR
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o640)
    except OSError as error:
        raise ServiceError(f"cannot write its log {path}: {error.strerror}") from error
