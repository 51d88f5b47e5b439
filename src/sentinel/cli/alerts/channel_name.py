"""A channel's name as an argument. Called by the commands about channels."""

import re
from typing import Annotated

import typer

from sentinel.core.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def a_channel(text: str) -> str:
    """What cannot be one would be another address of the API."""
    if not _NAME.fullmatch(text):
        raise UsageError(
            f"{text[:60]!r} is no channel's name: up to 64 letters, digits, -, _ and ., like mail"
        )
    return text


def _channels(texts: list[str]) -> list[str]:
    return [a_channel(text) for text in texts]


ChannelName = Annotated[str, typer.Argument(metavar="NAME", callback=a_channel, help="A channel's name.")]
ChannelNames = Annotated[
    list[str], typer.Argument(metavar="NAME...", callback=_channels, help="Channels' names.")
]
