"""`sentinel alert silence end`. Called by the table in `cli.app`. The JSON: {"ended": [ID…]}."""

import re
from typing import Annotated

import typer

from sentinel.cli.controller import connected, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.core.errors import UsageError

_ID = re.compile(r"[0-9a-z]{1,40}")


def command(
    ids: Annotated[
        list[str], typer.Argument(metavar="ID...", help="As sentinel alert silence list has them.")
    ],
    as_json: AsJson = False,
) -> None:
    """End silences now: people are told again. For operators."""
    for id in ids:
        if not _ID.fullmatch(id):
            raise UsageError(
                f"{id[:60]!r} is no silence's id; sentinel alert silence list has those there are"
            )
    with connected() as client:
        for id in ids:
            client.end_silence(id)
            if not as_json:
                print(f"{id} has ended")
    if as_json:
        print_json({"ended": ids})
