"""The Typer application: a table of commands, of which only the one that is run gets imported.

Called by `main`. `sentinel --help` imports none, so it stays quick however many there will be. This uses
Typer's public interface alone: what it is built on has changed under it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated

import typer
from typer.main import get_command

from sentinel import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A command: the module whose function `command` it is, and its line in the help."""

    module: str
    help: str


COMMANDS = {
    "gpus": Entry(
        module="sentinel.cli.local.gpus",
        help="Show the GPUs of this machine and the processes on them.",
    ),
    "scan": Entry(
        module="sentinel.cli.local.scan",
        help="Look once at what runs on the GPUs, into the inventory.",
    ),
    "agent": Entry(
        module="sentinel.cli.local.agent",
        help="Keep the inventory, samples and metrics of this node.",
    ),
    "workloads": Entry(
        module="sentinel.cli.local.workloads.command",
        help="Show what runs here: whose it is, on which GPUs.",
    ),
    "events": Entry(
        module="sentinel.cli.local.events.command",
        help="Show what came, went, lay idle and resumed.",
    ),
    "top": Entry(
        module="sentinel.cli.local.top.command",
        help="Watch the GPUs and their processes live, with owners.",
    ),
    "gpu": Entry(
        module="sentinel.cli.local.health.gpu_check",
        help="Check a GPU that was taken out, and let it come back.",
    ),
    "health": Entry(
        module="sentinel.cli.local.health.command",
        help="Show what is wrong with the GPUs, and what to do about it.",
    ),
}


def run(arguments: Sequence[str]) -> int:
    """Runs the command that `arguments` name; its exit status. What it raises goes through."""
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    app = typer.Typer(
        name="sentinel",
        help="Who has the GPU, why, and what is wrong.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_sentinel)
    for name, entry in COMMANDS.items():
        # The command that is run has more to say in its help than its line in the list.
        if name == chosen:
            app.command(name)(_function(entry))
        else:
            app.command(name, help=entry.help)(_unused)
    try:
        get_command(app)(args=list(arguments), prog_name="sentinel")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def _function(entry: Entry) -> Callable[..., None]:
    return import_module(entry.module).command


def _unused() -> None:
    """Stands for a command that is only listed."""


def _print_version(asked: bool) -> None:
    if asked:
        print(f"sentinel {__version__}")
        raise typer.Exit


def _sentinel(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """The options before the command."""
