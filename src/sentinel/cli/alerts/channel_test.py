"""`sentinel alert channel test`. Called by the table in `cli.app`.

The JSON is a list of {"name", "sent": BOOL, "error": TEXT | null}. Exit 1 when one of them did not take it.
"""

from typing import Any

import typer

from sentinel.cli.alerts.channel_name import ChannelNames
from sentinel.cli.controller import connected, note, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.core.errors import ApiError, ApiUnavailable


def command(names: ChannelNames, as_json: AsJson = False) -> None:
    """Send a test message to channels, and say whether they took it. For operators."""
    found: list[dict[str, Any]] = []
    with connected() as client:
        for name in names:
            try:
                client.test_channel(name)
            except ApiUnavailable:
                raise
            except ApiError as error:
                found.append({"name": name, "sent": False, "error": error.message})
                note(f"{name}: {error.message}")
            else:
                found.append({"name": name, "sent": True, "error": None})
                if not as_json:
                    print(f"{name} took the test message")
    if as_json:
        print_json(found)
    if not all(one["sent"] for one in found):
        raise typer.Exit(1)
