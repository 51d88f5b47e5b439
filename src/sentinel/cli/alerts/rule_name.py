"""A rule's name as an argument. Called by the commands about single rules."""

from typing import Annotated

import typer

from sentinel.core.alert_fields import name
from sentinel.core.errors import UsageError


def a_rule(text: str) -> str:
    """What cannot be one would be another address of the API."""
    try:
        return name(text)
    except UsageError as error:
        raise UsageError(f"the name of a rule {error.message}; see sentinel alert rule list") from None


def _rules(texts: list[str]) -> list[str]:
    return [a_rule(text) for text in texts]


RuleName = Annotated[str, typer.Argument(metavar="NAME", callback=a_rule, help="A rule's name.")]
RuleNames = Annotated[list[str], typer.Argument(metavar="NAME...", callback=_rules, help="Rules' names.")]
