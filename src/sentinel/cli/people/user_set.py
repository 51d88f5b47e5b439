"""`sentinel user set`. Called by the table in `cli.app`.

The JSON is the user, as `sentinel user list` has it.
"""

from typing import Annotated

import typer

from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.people.options import ROLES, PasswordStdin, RoleName, UserName
from sentinel.cli.people.password import asked_password
from sentinel.cli.plain import one_line
from sentinel.core.errors import UsageError


def command(
    name: UserName,
    role: Annotated[RoleName | None, typer.Option("--role", help=ROLES)] = None,
    password: Annotated[
        bool, typer.Option("--password", help="A new one, asked for on the terminal.")
    ] = False,
    password_stdin: PasswordStdin = False,
    disable: Annotated[
        bool | None, typer.Option("--disable/--enable", help="Shut them out, or let them in again.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change a user's role or password, or shut them out. What is not named stays. For admins."""
    if role is None and disable is None and not (password or password_stdin):
        raise UsageError("name what to change: --role, --password, --disable or --enable")
    new = None
    if password or password_stdin:
        prompt = f"New password for {one_line(name)}: "
        new = asked_password(prompt, from_stdin=password_stdin, twice=True)
    with connected() as client:
        user = client.set_user(
            name, role=None if role is None else role.value, password=new, disabled=disable
        )
    if as_json:
        print_json(user)
    else:
        shut = ", and shut out" if user["disabled"] else ""
        print(f"{one_line(user['name'])} is {user['role']}{shut}")
