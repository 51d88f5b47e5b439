"""Whose account it is, as people type and read it: "user:ada", "group:ml", "default". Pure.

Called by the commands in `cli.accounts`.
"""

import re
from typing import Annotated

import typer

from sentinel.core.account import Scope
from sentinel.core.errors import UsageError

Who = Annotated[
    str, typer.Argument(metavar="WHO", help="user:NAME, group:NAME, or default: each user without one.")
]
_NAME = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")


def parse_who(text: str) -> tuple[Scope, str]:
    """Scope and name. UsageError when it is neither."""
    if text == Scope.DEFAULT:
        return Scope.DEFAULT, ""
    scope, colon, name = text.partition(":")
    if not colon or scope not in (Scope.USER, Scope.GROUP):
        raise UsageError(f"{text!r} is nobody; say user:NAME, group:NAME or default")
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a {scope}: small letters, digits, _, - and ., like {scope}:ada"
        )
    return Scope(scope), name


def shown_who(scope: str, name: str) -> str:
    """As `parse_who` takes it."""
    return f"{scope}:{name}" if name else scope
