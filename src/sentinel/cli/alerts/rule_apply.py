"""`sentinel alert rule apply`. Called by the table in `cli.app`.

The JSON is a list of {"name", "did": "created" | "changed" | "unchanged"}; with --dry-run "did" is what would
be done, and "preview" as `sentinel alert rule preview` has it.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from sentinel.cli.alerts.rule_file import rules_in
from sentinel.cli.alerts.rule_words import Since, preview_lines, since_text
from sentinel.cli.alerts.written_file import File
from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.table import table_width
from sentinel.client.sync import Client
from sentinel.core.alert import Rule
from sentinel.core.rule_json import rule_from, rule_json


def command(
    file: File,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; say what they would have done lately.")
    ] = False,
    since: Since = "7d",
    as_json: AsJson = False,
) -> None:
    """Write rules from a file: one, a list of them, or several documents. For operators.

    All of the file is read before anything is written. One with the name of a shipped rule takes its place.
    """
    rules = rules_in(file)
    with connected() as client:
        if dry_run:
            found = _tried(client, rules, since_text(since))
        else:
            found = [_written(client, rule) for rule in rules]
    if as_json:
        print_json(found)
        return
    for one in found:
        print(f"{one['name']}: {'would be ' if dry_run else ''}{one['did']}")
        if dry_run:
            print("\n".join(preview_lines(one["name"], one["preview"], table_width())))


def _written(client: Client, rule: Rule) -> dict[str, Any]:
    return {"name": rule.name, "did": client.put_alert_rule(rule.name, rule_json(rule))["did"]}


def _tried(client: Client, rules: list[Rule], since: str) -> list[dict[str, Any]]:
    known = {one["name"]: one for one in client.alert_rules()}
    return [
        {
            "name": rule.name,
            "did": _would(known.get(rule.name), rule),
            "preview": client.preview_alert_rule(rule_json(rule), since),
        }
        for rule in rules
    ]


def _would(before: Mapping[str, Any] | None, rule: Rule) -> str:
    if before is None:
        return "created"
    return "unchanged" if rule_from(before, strict=False) == rule else "changed"
