"""`sentinel workloads`, also `ds01-workloads`: what runs on this machine, whose it is, and on which GPUs.

Called by the table in `cli.app` and by `cli.ds01`. Reads the inventory that `sentinel scan` or the agent
left; looks at nothing itself, so it is quick and needs no rights. The JSON is documented in
`core.workload_json`; it follows the filters of the table but always has the stopped workloads, too, because
a program can leave them out by "state".
"""

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from sentinel.cli.colour import Paint, colours_on, painted
from sentinel.cli.local.gpu_table import width_here
from sentinel.cli.local.inventory_file import read_inventory
from sentinel.cli.local.state_dir import state_dir
from sentinel.cli.local.workloads.notes import notes
from sentinel.cli.local.workloads.selection import Selection, kinds_from, one_by_id, selected
from sentinel.cli.local.workloads.table import by_user_lines, workload_lines
from sentinel.cli.text_wrap import wrapped
from sentinel.core.clock import boot_id, wall
from sentinel.core.errors import SentinelError, UsageError
from sentinel.core.inventory import Inventory
from sentinel.core.units import parse_duration
from sentinel.core.workload import Workload
from sentinel.core.workload_json import inventory_json

_DEFAULT_WATCH = "2"
_SHORTEST_WATCH = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What was asked for on the command line."""

    folder: Path
    selection: Selection
    wide: bool = False
    by_user: bool = False


def command(
    seconds: Annotated[
        str | None, typer.Argument(metavar="SECONDS", help="Between redraws, with --watch; 2 if not given.")
    ] = None,
    wide: Annotated[
        bool, typer.Option("--wide", help="Adds ID, CPU%, MEMORY, GPU MEMORY and IMAGE.")
    ] = False,
    stopped: Annotated[bool, typer.Option("--all", help="Stopped ones too.")] = False,
    gpu_only: Annotated[
        bool, typer.Option("--gpu-only", help="Only what may use a GPU, or might: unknown is shown.")
    ] = False,
    user: Annotated[
        list[str] | None,
        typer.Option("--user", metavar="NAME", help="Only this user's, ? for unknown; repeatable."),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="Only this origin (like raw-docker) or category (managed, unmanaged-container, "
            "host-process); repeatable.",
        ),
    ] = None,
    by_user: Annotated[bool, typer.Option("--by-user", help="One line a user.")] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help='The inventory as JSON; null is unknown. Has the stopped ones too, see "state".'
        ),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Draws it again every SECONDS, until Ctrl-C.")
    ] = False,
    evidence: Annotated[
        str | None,
        typer.Option("--evidence", metavar="ID", help="Everything known of one workload, and how."),
    ] = None,
    folder: Annotated[
        str | None, typer.Option("--state-dir", metavar="DIR", help="Where the inventory lies.")
    ] = None,
    info: Annotated[bool, typer.Option("--info", help="What the columns mean.")] = False,
    concepts: Annotated[bool, typer.Option("--concepts", help="What the words mean.")] = False,
    guided: Annotated[
        bool, typer.Option("--guided", help="A walk through this machine's own table, for a first time.")
    ] = False,
) -> None:
    """Show what runs on this machine: whose it is, and which GPUs it has.

    New here? --info explains the columns, --concepts the words, --guided your own table.
    """
    if info or concepts:
        _explain(info=info)
        return
    _check(seconds, watch, {"--json": as_json, "--by-user": by_user, "--guided": guided}, evidence)
    selection = Selection(
        stopped=stopped, gpu_only=gpu_only, users=frozenset(user or ()), kinds=kinds_from(kind or ())
    )
    view = View(folder=state_dir(folder), selection=selection, wide=wide, by_user=by_user)
    if watch:
        _watch(view, _interval(seconds or _DEFAULT_WATCH))
    elif as_json:
        _print_json(view, evidence)
    elif evidence is not None:
        _print_evidence(view, evidence)
    elif guided:
        _guide(view)
    else:
        print("\n".join(_table(view, _width(view), colours=colours_on(sys.stdout))))


def _check(seconds: str | None, watch: bool, others: dict[str, bool], evidence: str | None) -> None:
    if seconds is not None and not watch:
        raise UsageError(f"{seconds!r}: a number of seconds goes with --watch; a user with --user NAME")
    if watch and (others["--json"] or others["--guided"] or evidence is not None):
        raise UsageError("--watch draws a table; for a program: sentinel events --follow --json")
    chosen = [name for name, given in others.items() if given]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} are different views; choose one")


def _interval(text: str) -> float:
    seconds = parse_duration(text)
    if seconds < _SHORTEST_WATCH:
        raise UsageError(f"--watch {text}: at least {_SHORTEST_WATCH} s")
    return seconds


def _width(view: View) -> int | None:
    """A wide table through a pipe is for grep and the like: nothing is cut."""
    return None if view.wide and not sys.stdout.isatty() else width_here()


# ------------------------------------------------------------------ the views


def _table(view: View, width: int | None, *, colours: bool) -> list[str]:
    inventory, now = read_inventory(view.folder), wall()
    chosen = selected(inventory, view.selection)
    lines = _notes(inventory, now, width or width_here(), colours=colours)
    if not chosen:
        return [*lines, *wrapped(_nothing(inventory, view.selection), width or width_here())]
    if view.by_user:
        return lines + by_user_lines(inventory, chosen, width, colours=colours)
    return lines + workload_lines(inventory, chosen, now, width, wide=view.wide, colours=colours)


def _notes(inventory: Inventory, now: float, width: int, *, colours: bool) -> list[str]:
    found: list[str] = []
    for note in notes(inventory, now, boot_id=_boot_id()):
        paint = Paint.DIM if note.startswith("not on this machine") else Paint.NOTICE
        found += [painted(line, paint, on=colours) for line in wrapped(note, width)]
    return found


def _boot_id() -> str | None:
    with suppress(OSError):
        return boot_id()
    return None


def _nothing(inventory: Inventory, selection: Selection) -> str:
    """Why the table is empty."""
    without = replace(selection, stopped=True)
    stopped = sum(1 for one in inventory.workloads if without.takes(one))
    narrowed = bool(selection.users or selection.kinds or selection.gpu_only)
    what = "no workload like that runs" if narrowed else "no workload runs"
    return f"{what} here now ({stopped} stopped: --all)" if stopped else f"{what} here now"


def _print_json(view: View, evidence: str | None) -> None:
    inventory = read_inventory(view.folder)
    chosen: Sequence[Workload] = selected(inventory, replace(view.selection, stopped=True))
    if evidence is not None:
        chosen = (one_by_id(chosen, evidence),)
    print(json.dumps(inventory_json(replace(inventory, workloads=tuple(chosen))), indent=2))


def _print_evidence(view: View, asked: str) -> None:
    from sentinel.cli.local.workloads.evidence import evidence_lines

    inventory, now, width = read_inventory(view.folder), wall(), width_here()
    lines = evidence_lines(inventory, one_by_id(inventory.workloads, asked), now, width)
    print("\n".join([*_notes(inventory, now, width, colours=colours_on(sys.stdout)), *lines]))


def _explain(*, info: bool) -> None:
    from sentinel.cli.local.workloads.guide import CONCEPTS, INFO

    print(INFO if info else CONCEPTS)


def _guide(view: View) -> None:
    from sentinel.cli.local.workloads.tour import tour

    inventory = read_inventory(view.folder)
    pages = tour(inventory, selected(inventory, view.selection), wall(), width_here())
    asks = sys.stdin.isatty() and sys.stdout.isatty()
    for place, page in enumerate(pages):
        print("\n".join(page), end="\n\n")
        if asks and place < len(pages) - 1:
            try:
                input(f"[{place + 1} of {len(pages)}] Enter goes on, Ctrl-C ends ")
            except EOFError:
                return
            print()


def _watch(view: View, seconds: float) -> None:
    from sentinel.cli.local.redraw import Size, redraw

    read_inventory(view.folder)  # what is wrong from the start is said as ever, not on a screen of its own

    def lines(size: Size | None) -> list[str]:
        width = _width(view) if size is None else size[0]
        try:
            return _table(view, width, colours=size is not None and colours_on(sys.stdout))
        except SentinelError as error:
            return wrapped(error.message, width or width_here())

    redraw(lines, seconds)
