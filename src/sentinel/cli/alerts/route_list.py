"""`sentinel alert route list`. Called by the table in `cli.app`.

The JSON is {"default": BOOL, "routes": [ROUTE…], "inhibitions": [INHIBITION…], "shipped_inhibitions": […]} as
in core.alert_json; `sentinel alert route apply` takes it.
"""

from sentinel.cli.alerts.channel_words import route_lines
from sentinel.cli.controller import connected, note, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.table import table_width


def command(as_json: AsJson = False) -> None:
    """Show the routes in the order in which they are tried, and what keeps alerts back.

    An alert takes the first that matches; where that one goes on, those after it are tried, too. TOGETHER:
    what alerts have in common that are told in one message. AGAIN: how often what still stands is told.
    """
    with connected() as client:
        found = client.alert_routes()
    if not any(one["channels"] for one in found["routes"]):
        note(
            "there is no channel, so nobody is told of anything: "
            "sentinel alert channel add NAME --kind webhook"
        )
    if as_json:
        print_json(found)
        return
    if found["default"]:
        print("no routes were written; until then:")
    print("\n".join(route_lines(found, table_width())))
