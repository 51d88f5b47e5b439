"""`sentinel dashboard`. Called by the table in `cli.app`.

The JSON: {"url": the address, with its code, "user", "expires_at"}.
"""

import os
import sys
import webbrowser
from collections.abc import Mapping
from typing import Annotated

import typer

from sentinel.cli.controller import connected, note, print_json
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.people.sending_on import send_on
from sentinel.cli.plain import one_line


def command(
    open_it: Annotated[
        bool, typer.Option("--open", help="Open it in a browser, where there is a desktop.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print an address that signs you in to the dashboard, as who you are here: once, within a minute.

    A browser that is signed in already stays so. Behind an ssh tunnel, replace host and port, and keep what
    comes after the #.
    """
    with connected() as client:
        made = client.create_session_code()
        address = f"{client.settings.url}/#code={made['code']}"
    if as_json:
        print_json({"url": address, "user": made["user"], "expires_at": made["expires_at"]})
    else:
        print(one_line(address), flush=True)
        note(f"it signs {made['user']} in, once, within 60 seconds")
    if not open_it:
        return
    if not has_desktop(os.environ, sys.platform):
        note("there is no desktop here to open a browser on; open the address yourself")
    elif not _opened(address):
        note("no browser came for it; open the address yourself")


def has_desktop(environment: Mapping[str, str], platform: str) -> bool:
    """Whether a browser that is started here would be seen by anybody."""
    return platform == "darwin" or any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _opened(address: str) -> bool:
    if sys.platform == "darwin":
        return webbrowser.open(address)  # by a script that it reads, not by a command line
    return send_on(address, webbrowser.open)
