"""Asking for a password: on the terminal, or one line of stdin; never an argument, which others could read.

Called by `sentinel login` and `sentinel user`.
"""

import getpass
import sys

from sentinel.core.errors import UsageError


def asked_password(prompt: str, *, from_stdin: bool, twice: bool = False) -> str:
    """What was typed. UsageError when there is nobody to ask, or the two differ."""
    if from_stdin:
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise UsageError("stdin has no password: its first line is to be one")
        return line
    if not sys.stdin.isatty():
        raise UsageError("a password is asked for on a terminal; without one: --password-stdin")
    try:
        found = getpass.getpass(prompt)
        if twice and found != getpass.getpass("Again: "):
            raise UsageError("the two differ; nothing was changed")
    except EOFError:
        raise UsageError("no password was typed; nothing was changed") from None
    return found
