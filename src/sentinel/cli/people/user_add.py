"""`sentinel user add`. Called by the table in `cli.app`.

The JSON is the user, as `sentinel user list` has it.
"""

from typing import Annotated

import typer

from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.people.options import ROLES, Group, PasswordStdin, RoleName, UserName
from sentinel.cli.people.password import asked_password
from sentinel.cli.plain import one_line
from sentinel.core.errors import UsageError


def command(
    name: UserName,
    role: Annotated[RoleName, typer.Option("--role", help=ROLES)] = RoleName.MEMBER,
    group: Group = None,
    password_stdin: PasswordStdin = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Tokens only: sentinel token create --owner NAME")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add a user, whose password is asked for on the terminal. For admins."""
    if no_password and password_stdin:
        raise UsageError("--no-password and --password-stdin exclude each other")
    password = None
    if not no_password:
        prompt = f"Password for {one_line(name)}: "
        password = asked_password(prompt, from_stdin=password_stdin, twice=True)
    with connected() as client:
        user = client.add_user(name, role.value, password=password, group=group)
    if as_json:
        print_json(user)
    else:
        of_group = f", in the group {one_line(user['group'])}" if user.get("group") else ""
        print(f"{one_line(user['name'])} is a user, as {user['role']}{of_group}")
