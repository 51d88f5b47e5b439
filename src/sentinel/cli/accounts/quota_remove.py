"""`sentinel quota remove`. Called by the table in `cli.app`. The JSON: {"removed": WHO}."""

from sentinel.cli.accounts.who import Who, parse_who, shown_who
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson


def command(who: Who, as_json: AsJson = False) -> None:
    """Lift the limits of a user or a group, its weight is 1 again; what it used stays. For operators.

    A user without a quota has the default one, if it is set.
    """
    scope, name = parse_who(who)
    with connected() as client:
        client.remove_account(scope.value, name)
    if as_json:
        print_json({"removed": shown_who(scope, name)})
    else:
        print(f"{shown_who(scope, name)} has no quota of its own any more")
