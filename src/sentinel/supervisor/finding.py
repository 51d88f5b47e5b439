"""Where a command's program is, by the job's own PATH and folder, and what an error of a launch means.

Called before exec, by the launcher and by the forked child.
"""

import errno
import os
import stat
from collections.abc import Mapping

from sentinel.supervisor.attempts import Refused

_FINAL = frozenset(
    {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EACCES,
        errno.EPERM,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ENOEXEC,
        errno.E2BIG,
        errno.EISDIR,
        errno.EINVAL,
        errno.ELIBBAD,
    }
)


def find_program(command: str, environment: Mapping[str, str]) -> str:
    """The file to execute; relative ones count from the current folder. OSError: ENOENT, or EACCES where
    there is one that may not be executed."""
    if "/" in command:
        return command
    number = errno.ENOENT
    for folder in environment.get("PATH", "").split(":"):
        path = f"{folder or '.'}/{command}"
        if os.access(path, os.X_OK):
            if stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - counts from where we stand
                return path
        elif number == errno.ENOENT and os.path.exists(path):  # noqa: PTH110
            number = errno.EACCES
    raise OSError(number, os.strerror(number), command)


def why_not_entered(cwd: str, number: int | None, user: str, node: str) -> Refused:
    """That a job's folder cannot be entered."""
    if number == errno.ENOENT:
        return Refused(why=f"cwd {cwd} does not exist on node {node}", final=True)
    if number == errno.ENOTDIR:
        return Refused(why=f"cwd {cwd} is no folder on node {node}", final=True)
    if number in (errno.EACCES, errno.EPERM):
        return Refused(why=f"cwd {cwd} cannot be entered by user {user} on node {node}", final=True)
    return Refused(why=f"cwd {cwd} cannot be entered on node {node}: {_text(number)}", final=number in _FINAL)


def why_not_mounted(path: str, cwd: str, number: int | None, user: str, node: str) -> Refused:
    """That a container's file or folder of the node is none that its user could read."""
    if path == cwd:
        return why_not_entered(cwd, number, user, node)
    if number == errno.ENOENT:
        return Refused(why=f"mount {path} does not exist on node {node}", final=True)
    if number in (errno.EACCES, errno.EPERM):
        return Refused(why=f"mount {path} cannot be read by user {user} on node {node}", final=True)
    return Refused(why=f"mount {path} cannot be used on node {node}: {_text(number)}", final=number in _FINAL)


def why_not_executed(
    command: str, number: int | None, user: str, node: str, environment: Mapping[str, str]
) -> Refused:
    """That a job's command cannot be executed."""
    if number == errno.ENOENT and "/" not in command:
        path = environment.get("PATH", "")
        return Refused(why=f"command {command} is not in PATH ({path}) on node {node}", final=True)
    if number == errno.ENOENT:
        return Refused(
            why=f"command {command}: there is no such file on node {node}, or not the program that its"
            " first line names",
            final=True,
        )
    if number in (errno.EACCES, errno.EPERM):
        return Refused(why=f"command {command} cannot be executed by user {user} on node {node}", final=True)
    if number == errno.ENOEXEC:
        return Refused(
            why=f"command {command} is no program for node {node}; a script begins with #!, as in #!/bin/sh",
            final=True,
        )
    if number == errno.E2BIG:
        return Refused(why=f"command {command} and its environment are too long for node {node}", final=True)
    return Refused(
        why=f"command {command} cannot be executed on node {node}: {_text(number)}", final=number in _FINAL
    )


def _text(number: int | None) -> str:
    return "for no known reason" if number is None else os.strerror(number)
