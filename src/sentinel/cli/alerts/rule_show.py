"""`sentinel alert rule show`. Called by the table in `cli.app`.

The JSON is the rule as in core.rule_json, with "origin".
"""

from sentinel.cli.alerts.rule_file import rule_yaml
from sentinel.cli.alerts.rule_name import RuleName
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson


def command(name: RuleName, as_json: AsJson = False) -> None:
    """Show a rule as a file to edit: sentinel alert rule apply -f takes it."""
    with connected() as client:
        rule = client.alert_rule(name)
    if as_json:
        print_json(rule)
    else:
        print(rule_yaml(rule), end="")
