"""An alert's id as an argument. Called by the commands about single alerts."""

import re
from typing import Annotated

import typer

from sentinel.core.errors import UsageError

_ID = re.compile(r"[0-9a-fA-F]{4,16}")


def an_alert(text: str) -> str:
    """What cannot be one would be another address of the API."""
    if not _ID.fullmatch(text):
        raise UsageError(f"{text[:60]!r} is no alert's id; sentinel alert list has those there are")
    return text.lower()


def _alerts(texts: list[str]) -> list[str]:
    return [an_alert(text) for text in texts]


_HELP = "As sentinel alert list has it; a beginning of 4 characters or more."
AlertId = Annotated[str, typer.Argument(metavar="ID", callback=an_alert, help=_HELP)]
AlertIds = Annotated[list[str], typer.Argument(metavar="ID...", callback=_alerts, help=_HELP)]
