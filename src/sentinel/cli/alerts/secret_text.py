"""Asking for a secret: in a file, on stdin or on the terminal; never an argument, which others can read.

Called by `sentinel alert channel add`.
"""

import getpass
import sys

from sentinel.cli.alerts.written_file import read_text
from sentinel.core.errors import UsageError


def secret_in(path: str, what: str) -> str:
    """The first line of a file, or of stdin for "-"; nothing else may be in it."""
    lines = read_text(path).strip().splitlines()
    if len(lines) != 1:
        where = "stdin" if path == "-" else path
        raise UsageError(f"{where} is to have one line, the {what}, and has {len(lines)}")
    return lines[0].strip()


def secret_typed(what: str) -> str | None:
    """What somebody types on the terminal, unseen. None where there is none."""
    if not sys.stdin.isatty():
        return None
    try:
        return getpass.getpass(f"{what}: ").strip() or None
    except EOFError:
        return None


def headers_in(path: str) -> dict[str, str]:
    """ "Name: value" lines of a file, or of stdin for "-"."""
    found: dict[str, str] = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon or not name.strip():
            raise UsageError(f"{path}:{number}: a header is written NAME: VALUE")
        found[name.strip()] = value.strip()
    return found
