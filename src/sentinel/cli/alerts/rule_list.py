"""`sentinel alert rule list`. Called by the table in `cli.app`.

The JSON is a list of rules as in core.rule_json, with "origin" ("shipped", "changed", "own") and "standing":
how many of its alerts stand.
"""

from sentinel.cli.alerts.rule_words import rule_lines
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.table import table_width


def command(as_json: AsJson = False) -> None:
    """Show the rules, those that come with Sentinel included.

    FROM: shipped with Sentinel, changed here, or your own. To change one: sentinel alert rule show NAME >
    FILE, edit it, sentinel alert rule apply -f FILE
    """
    with connected() as client:
        rules = client.alert_rules()
    if as_json:
        print_json(rules)
    else:
        print("\n".join(rule_lines(rules, table_width())))
