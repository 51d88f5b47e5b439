"""`sentinel token create`. Called by the table in `cli.app`.

The JSON is the token as `sentinel token list` has it, and "token": the secret; with --join also "command".
"""

from typing import Annotated

import typer

from sentinel.cli.controller import connected, note, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.core.units import parse_duration


def command(
    label: Annotated[str, typer.Option("--label", help="What it is for.")] = "",
    join: Annotated[
        bool, typer.Option("--join", help="For machines that are to join, nothing else. For admins.")
    ] = False,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="TIME", help="24h, 30d. Else 90 days; to join, 24 hours."),
    ] = None,
    owner: Annotated[
        str | None, typer.Option("--owner", metavar="NAME", help="Somebody else's. For admins.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token, and print its secret, this once. With --join: the line to run on a machine."""
    seconds = None if expires is None else parse_duration(expires)
    with connected() as client:
        made = client.create_token(label, kind="join" if join else "api", expires_in=seconds, owner=owner)
        line = f"sentinel agent join {client.settings.url} --token {made['token']}"
    if as_json:
        print_json({**made, "command": line} if join else made)
        return
    if join:
        note("on the machine that is to join (the token says which controller to trust), run:")
    print(line if join else made["token"])
