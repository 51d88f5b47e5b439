"""`sentinel health`: what is wrong with the GPUs, said plainly. Called by the table in `cli.app`.

Looks at this machine, or at what somebody saved of one. The JSON:

    {"at": TIME, "findings": [as in core.finding…], "unknown": {COMPONENT: WHY…},
     "components": {COMPONENT: "ok" | "bad" | "unknown"…}}
"""

import json
import sys
from typing import Annotated, Any

import typer

from sentinel.cli.colour import colours_on
from sentinel.cli.local.gpu_table import width_here
from sentinel.cli.local.health.examination import Asked, examine
from sentinel.cli.local.health.report import show_components, show_finding, show_round, verdict_word
from sentinel.cli.local.state_dir import state_dir
from sentinel.cli.local.wiring import GPU_SOURCES
from sentinel.core.clock import rfc3339
from sentinel.core.errors import UsageError
from sentinel.core.finding import Finding, Severity, finding_json
from sentinel.health.components import ALL
from sentinel.health.round import Round


def command(
    kernel_log: Annotated[
        str | None,
        typer.Option(
            "--kernel-log", metavar="FILE", help="A saved kernel log (journalctl -k, dmesg), .gz too."
        ),
    ] = None,
    smi_xml: Annotated[
        str | None, typer.Option("--smi-xml", metavar="FILE", help="A saved `nvidia-smi -q -x`.")
    ] = None,
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="ID", help="Everything about one finding.")
    ] = None,
    list_all: Annotated[
        bool, typer.Option("--list", help="Every component and every code that there is.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The findings as JSON; null is unknown.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit 1 at a warning or worse, for scripts.")
    ] = False,
    source: Annotated[
        str, typer.Option("--source", metavar="SOURCE", help=f"One of: {', '.join(GPU_SOURCES)}.")
    ] = "auto",
    folder: Annotated[
        str | None, typer.Option("--state-dir", metavar="DIR", help="Where the inventory lies.")
    ] = None,
) -> None:
    """Show what is wrong with the GPUs, and what to do about it.

    Reads the sensors, the kernel's log and the inventory of this machine; or what was saved of another
    one with journalctl -k or nvidia-smi -q -x. Needs root to see everything; the rest is unknown.
    """
    if list_all:
        _list(as_json)
        return
    asked = Asked(kernel_log=kernel_log, smi_xml=smi_xml, source=source, state_dir=state_dir(folder))
    round = examine(asked)
    if explain is not None:
        _explain(round, explain, as_json)
    elif as_json:
        print(json.dumps(_json(round), indent=2))
    else:
        width = width_here() if sys.stdout.isatty() else None
        print("\n".join(show_round(round, width, colour=colours_on(sys.stdout))))
    if exit_code and any(one.severity is not Severity.INFO for one in round.findings):
        raise typer.Exit(1)


def _json(round: Round) -> dict[str, Any]:
    return {
        "at": rfc3339(round.at),
        "findings": [finding_json(one) for one in round.findings],
        "unknown": dict(round.unknown),
        "components": {name: verdict_word(verdict) for name, verdict in round.verdicts.items()},
    }


def _explain(round: Round, asked: str, as_json: bool) -> None:
    found = chosen(round, asked)
    if as_json:
        print(json.dumps([finding_json(one) for one in found], indent=2))
        return
    print("\n\n".join("\n".join(show_finding(one, width_here())) for one in found))


def chosen(round: Round, asked: str) -> list[Finding]:
    """The findings that `asked` means: an id, the beginning of one, or a code. UsageError for none."""
    exact = [one for one in round.findings if asked in (one.id, one.code)]
    found = exact or [one for one in round.findings if asked and one.id.startswith(asked)]
    if not found:
        ids = ", ".join(one.id for one in round.findings) or "there are none"
        raise UsageError(
            f"no finding has the id or code {asked!r}; now: {ids}. All codes: sentinel health --list"
        )
    return found


def _list(as_json: bool) -> None:
    if as_json:
        table = {one.name: {"about": one.about, "codes": dict(one.codes)} for one in ALL}
        print(json.dumps(table, indent=2))
    else:
        print("\n".join(show_components(ALL, width_here())))
