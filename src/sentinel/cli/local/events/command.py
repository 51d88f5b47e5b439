"""`sentinel events`: what came, went, lay idle and resumed on this machine, from the log of the inventory.

Called by the table in `cli.app`. Each line of `--json` is a CloudEvents object, as in `core.event`.
"""

import json
import sys
import time
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from sentinel.cli.colour import colours_on
from sentinel.cli.local.events.files import EventFiles
from sentinel.cli.local.events.lines import SHORT, Wanted, event_line, parsed, since_from, types_from
from sentinel.cli.local.gpu_table import width_here
from sentinel.cli.local.inventory_file import read_inventory
from sentinel.cli.local.state_dir import state_dir
from sentinel.core.clock import wall
from sentinel.core.event import Event, event_json
from sentinel.inventory.statefile import INVENTORY

_POLL_SECONDS = 0.25
_FOLLOWING = 10  # that many of the past come first, when nobody says how many
_REMEMBERED = 100_000  # ids, against telling an event twice; a log of that many is some 50 MB


class Told:
    """Turns lines into events, each once; counts the lines that hold none."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self.broken = 0

    def events(self, lines: Iterable[bytes]) -> Iterator[Event]:
        for line in lines:
            if not line.strip():
                continue
            event = parsed(line)
            if event is None:
                self.broken += 1
            elif event.id not in self._ids:
                self._ids[event.id] = None
                if len(self._ids) > _REMEMBERED:
                    self._ids.popitem(last=False)
                yield event

    def warn(self) -> None:
        """Says how many lines were broken since the last warning."""
        if self.broken:
            lines = "1 line" if self.broken == 1 else f"{self.broken} lines"
            print(f"sentinel: {lines} of the event log could not be read and were left out", file=sys.stderr)
            self.broken = 0


def command(
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", help="How long ago (30m, 1h, 2d) or when (14:00, 2026-01-31)."
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="TYPE", help=f"Only these; repeatable. One of: {', '.join(SHORT)}."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Goes on with what comes, until Ctrl-C.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One CloudEvents JSON object a line.")] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=0, metavar="N", help="Only the newest N of what has been."),
    ] = None,
    folder: Annotated[
        str | None, typer.Option("--state-dir", metavar="DIR", help="Where the inventory lies.")
    ] = None,
) -> None:
    """Show what came, went, lay idle and resumed on this machine, oldest first.

    With --follow, the last 10 come first, unless --since or --limit says otherwise.
    """
    wanted = Wanted(since=None if since is None else since_from(since, wall()), types=types_from(kind or ()))
    if limit is None and follow and since is None:
        limit = _FOLLOWING
    place, told = state_dir(folder), Told()
    with EventFiles(place) as files:
        try:
            _past(files, told, wanted, limit, as_json=as_json, follow=follow)
            if not follow:
                _check_there(files, place)
                return
            while True:
                time.sleep(_POLL_SECONDS)
                _show((one for one in told.events(files.lines()) if wanted.takes(one)), as_json=as_json)
                told.warn()
        except KeyboardInterrupt:
            # How following ends; nothing went wrong.
            if not follow:
                raise


def _past(
    files: EventFiles, told: Told, wanted: Wanted, limit: int | None, *, as_json: bool, follow: bool
) -> None:
    def lines() -> Iterator[bytes]:
        yield from files.lines()
        if not follow and parsed(files.unfinished) is not None:
            yield files.unfinished

    found = (one for one in told.events(lines()) if wanted.takes(one))
    _show(found if limit is None else deque(found, limit), as_json=as_json)
    told.warn()


def _show(events: Iterable[Event], *, as_json: bool) -> None:
    width = width_here() if sys.stdout.isatty() else None
    colours = colours_on(sys.stdout)
    for event in events:
        print(json.dumps(event_json(event)) if as_json else event_line(event, width=width, colours=colours))
    sys.stdout.flush()


def _check_there(files: EventFiles, folder: Path) -> None:
    """No log at all is no error where an inventory is: nothing has happened yet."""
    if files.found:
        return
    if not (folder / INVENTORY).exists():
        read_inventory(folder)
    print("sentinel: no events yet", file=sys.stderr)
