"""`sentinel user remove`. Called by the table in `cli.app`. The JSON: {"removed": NAME}."""

from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.people.options import UserName
from sentinel.cli.plain import one_line


def command(name: UserName, as_json: AsJson = False) -> None:
    """Remove a user; their tokens open nothing any more. For admins."""
    with connected() as client:
        client.remove_user(name)
    if as_json:
        print_json({"removed": name})
    else:
        print(f"{one_line(name)} is removed")
