"""`sentinel user set`. Called by the table in `cli.app`.

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
    role: Annotated[RoleName | None, typer.Option("--role", help=ROLES)] = None,
    group: Group = None,
    no_group: Annotated[bool, typer.Option("--no-group", help="In none any more.")] = False,
    password: Annotated[
        bool, typer.Option("--password", help="A new one, asked for on the terminal.")
    ] = False,
    password_stdin: PasswordStdin = False,
    disable: Annotated[
        bool | None, typer.Option("--disable/--enable", help="Shut them out, or let them in again.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change a user's role, group or password, or shut them out. What is not named stays. For admins."""
    if group is not None and no_group:
        raise UsageError("--group and --no-group exclude each other")
    if role is None and disable is None and group is None and not (password or password_stdin or no_group):
        raise UsageError("name what to change: --role, --group, --password, --disable or --enable")
    if group == "":
        raise UsageError("a group has a name; in none any more: --no-group")
    new = None
    if password or password_stdin:
        prompt = f"New password for {one_line(name)}: "
        new = asked_password(prompt, from_stdin=password_stdin, twice=True)
    with connected() as client:
        user = client.set_user(
            name,
            role=None if role is None else role.value,
            password=new,
            disabled=disable,
            group="" if no_group else group,
        )
    if as_json:
        print_json(user)
    else:
        shut = ", and shut out" if user["disabled"] else ""
        of_group = f", in the group {one_line(user['group'])}" if user.get("group") else ""
        print(f"{one_line(user['name'])} is {user['role']}{of_group}{shut}")
