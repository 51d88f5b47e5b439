"""`sentinel top`: the GPUs and the processes on them, live, with their owners. Works with no agent.

Called by the table in `cli.app`. On a terminal it is a screen with keys; through a pipe, with `--once` or on
a terminal that cannot move its cursor it is one frame of text. The JSON is documented in `as_json`.
"""

import json
import os
from typing import Annotated

import typer

from sentinel.cli.local.gpu_table import width_here
from sentinel.cli.local.state_dir import state_dir
from sentinel.cli.local.top.owners import Owners
from sentinel.cli.local.top.reader import TopReader
from sentinel.cli.local.top.spans import line_text
from sentinel.cli.local.top.state import INTERVALS, TopState
from sentinel.cli.local.top.view import Found, Moment, screen_lines
from sentinel.cli.local.wiring import GPU_SOURCES, gpu_source, process_facts
from sentinel.core.clock import boot_id
from sentinel.core.errors import SentinelError, UsageError
from sentinel.core.units import parse_duration

_FIRST_SECONDS = 2.0  # a screen comes up after so long, whether or not the driver has answered
_ONCE_SECONDS = 120.0  # then a hanging driver is reported as such
_ONCE_GAP = 0.3  # between the two looks of `--once`: shares of processor time need two


def command(
    once: Annotated[bool, typer.Option("--once", help="One frame of text, whole, and out.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One look as JSON, and out; null is unknown.")
    ] = False,
    interval: Annotated[
        str, typer.Option("--interval", metavar="TIME", help="How often to look, like 1s or 500ms.")
    ] = "1s",
    source: Annotated[
        str, typer.Option("--source", metavar="SOURCE", help=f"One of: {', '.join(GPU_SOURCES)}.")
    ] = "auto",
    folder: Annotated[
        str | None, typer.Option("--state-dir", metavar="DIR", help="Where the inventory lies.")
    ] = None,
) -> None:
    """Watch the GPUs and the processes on them, live, with their owners. Press h there for the keys."""
    seconds = _interval(interval)
    owners = Owners(process_facts(), state_dir(folder), node=os.uname().nodename, boot_id=boot_id())
    single = once or as_json or not _can_draw()
    reader = TopReader(
        lambda: gpu_source(source), owners.look, min(seconds, _ONCE_GAP) if single else seconds
    )
    reader.start()
    try:
        if single:
            _once(reader, as_json=as_json)
        else:
            from sentinel.cli.local.top.screen import show

            reader.wait(1, _FIRST_SECONDS)
            show(reader, TopState(interval=seconds))
    finally:
        reader.close()


def _interval(text: str) -> float:
    seconds = parse_duration(text)
    if not INTERVALS[0] <= seconds <= INTERVALS[-1]:
        raise UsageError(f"--interval {text}: from {INTERVALS[0]:g} s to {INTERVALS[-1]:g} s")
    return seconds


def _can_draw() -> bool:
    try:
        from sentinel.cli.local.top.screen import can_draw
    except ModuleNotFoundError:
        return False  # some builds of Python come without curses
    return can_draw()


def _once(reader: TopReader, *, as_json: bool) -> None:
    found = reader.wait(2, _ONCE_SECONDS)
    if found.look is None:
        raise SentinelError(f"the GPU driver has not answered within {_ONCE_SECONDS:.0f} s")
    if as_json:
        from sentinel.cli.local.top.as_json import look_json

        print(json.dumps(look_json(found.look), indent=2))
        return
    now = found.look.read_at
    lines = screen_lines(Found(look=found.look), TopState(), Moment(now=now, started=now), width_here(), None)
    print("\n".join(line_text(line).rstrip() for line in lines))
