"""`sentinel alert rule preview`. Called by the table in `cli.app`.

The JSON is a list of {"name", "says", "since": TIME, "until": TIME, "step": SECONDS, "times": N, "series": N,
"brief": N, "points": N, "unknown": N, "fired": [{"labels", "state", "began", "ended", "peak"}…]}.
"""

from typing import Annotated

import typer

from sentinel.cli.alerts.rule_file import rules_in
from sentinel.cli.alerts.rule_name import a_rule
from sentinel.cli.alerts.rule_words import Since, preview_lines, since_text
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.table import table_width
from sentinel.core.errors import UsageError
from sentinel.core.rule_json import rule_from, rule_json


def command(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A rule that there is.")] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", "-f", metavar="FILE", help="Rules in a file, instead; - for stdin."),
    ] = None,
    since: Since = "7d",
    as_json: AsJson = False,
) -> None:
    """Say what a rule would have done in the past, by what was measured. Nothing is written.

    With many GPUs it looks at fewer points in time; it says how far apart they were. For operators.
    """
    if (name is None) == (file is None):
        raise UsageError("name a rule, or a file with rules: -f FILE")
    asked = since_text(since)
    rules = [] if file is None else rules_in(file)
    with connected() as client:
        if name is not None:
            rules = [rule_from(client.alert_rule(a_rule(name)), strict=False)]
        found = [{"name": rule.name, **client.preview_alert_rule(rule_json(rule), asked)} for rule in rules]
    if as_json:
        print_json(found)
        return
    for one in found:
        print("\n".join(preview_lines(one["name"], one, table_width())))
