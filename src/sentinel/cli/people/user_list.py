"""`sentinel user list`. Called by the table in `cli.app`.

The JSON is a list of {"name", "role", "group": NAME | null, "tenant", "created_at", "disabled": BOOL,
"has_password": BOOL}.
"""

import sys

from sentinel.cli.colour import colours_on
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.people.words import user_lines
from sentinel.cli.table import table_width
from sentinel.core.clock import wall


def command(as_json: AsJson = False) -> None:
    """Show the users. For admins."""
    with connected() as client:
        users = client.users()
    if as_json:
        print_json(users)
    elif not users:
        print("no users yet; add one: sentinel user add NAME")
    else:
        print("\n".join(user_lines(users, wall(), table_width(), colours=colours_on(sys.stdout))))
