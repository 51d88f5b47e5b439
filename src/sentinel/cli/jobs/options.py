"""Options that several commands have. Called by the commands in `cli.jobs`, `cli.nodes` and `cli.people`."""

import re
from typing import Annotated

import typer

from sentinel.core.errors import UsageError

_ID = re.compile(r"[0-9A-Za-z_.]{1,40}")


def an_id(text: str) -> str:
    """What cannot be one would be another address of the API."""
    if not _ID.fullmatch(text) or not text.strip("."):
        raise UsageError(f"{text[:60]!r} is no job's id; sentinel job list has those there are")
    return text


def _ids(texts: list[str]) -> list[str]:
    return [an_id(text) for text in texts]


JobId = Annotated[
    str,
    typer.Argument(metavar="ID", callback=an_id, help="A job's id, or a beginning of 4 characters or more."),
]
JobIds = Annotated[
    list[str],
    typer.Argument(metavar="ID", callback=_ids, help="Ids, or beginnings of 4 characters or more."),
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs; null is unknown.")]
