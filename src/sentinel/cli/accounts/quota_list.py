"""`sentinel quota list`. Called by the table in `cli.app`.

The JSON is a list of accounts, as `sentinel quota set` has one.
"""

from sentinel.cli.accounts.words import quota_lines
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.table import table_width


def command(as_json: AsJson = False) -> None:
    """Show what users and groups may have.

    Of two numbers the first is never passed, the second is the soft one. USERS is for how many it holds.
    What they have: sentinel usage
    """
    with connected() as client:
        accounts = client.accounts()
    if as_json:
        print_json(accounts)
    elif not accounts:
        print(
            "no quotas: everybody may have any number of GPUs; set one: sentinel quota set user:ada --gpus 8"
        )
    else:
        print("\n".join(quota_lines(accounts, table_width())))
