"""Options of the commands about users and tokens. Called by the commands in `cli.people`."""

from enum import StrEnum
from typing import Annotated

import typer

from sentinel.core.identity import Role


class RoleName(StrEnum):
    """Those that a person can have."""

    VIEWER = Role.VIEWER.value
    MEMBER = Role.MEMBER.value
    OPERATOR = Role.OPERATOR.value
    ADMIN = Role.ADMIN.value


UserName = Annotated[str, typer.Argument(metavar="NAME", help="A user's name.")]
ROLES = "viewer looks; member runs their own jobs; operator runs the nodes, too; admin decides who may."
Group = Annotated[
    str | None, typer.Option("--group", metavar="NAME", help="Whose quota their jobs count for, too.")
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="The password is the first line of stdin.")
]
