"""The controller, for commands. Called by everything in `cli.jobs`, `cli.nodes` and `cli.people`."""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from threading import Timer
from typing import Any

from sentinel.cli.plain import one_line
from sentinel.client.settings import find_settings
from sentinel.client.sync import Client

PATIENCE = 1.0
"""Seconds of waiting that need no explanation."""


@contextmanager
def connected(what: str | None = "") -> Generator[Client]:
    """A client as the environment or the user's configuration says. Says `what` it does when that takes long;
    None: nothing."""
    settings = find_settings()
    client = Client(settings.url, token=settings.token, ca=settings.ca)
    try:
        with nullcontext() if what is None else saying(what or f"waiting for {settings.url}"):
            yield client
    finally:
        client.close()


@contextmanager
def saying(what: str) -> Generator[None]:
    """Prints `what` on stderr, once, when the block takes longer than PATIENCE."""
    timer = Timer(PATIENCE, note, [what])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def note(text: str) -> None:
    """A line for the person in front of it, whatever stdout is used for."""
    print(f"sentinel: {one_line(text)}", file=sys.stderr, flush=True)


def print_json(found: Any) -> None:
    print(json.dumps(found, indent=2))
