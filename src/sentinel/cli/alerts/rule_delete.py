"""`sentinel alert rule delete`. Called by the table in `cli.app`. The JSON: {"removed": [NAME…]}."""

from sentinel.cli.alerts.rule_name import RuleNames
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson


def command(names: RuleNames, as_json: AsJson = False) -> None:
    """Remove rules; their alerts end. A shipped one is as it was shipped again. For operators.

    To switch a shipped one off, apply one of its name with `enabled: false`.
    """
    with connected() as client:
        for name in names:
            client.remove_alert_rule(name)
            if not as_json:
                print(f"{name} is removed")
    if as_json:
        print_json({"removed": names})
