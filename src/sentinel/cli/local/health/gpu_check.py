"""`sentinel gpu check`: whether a GPU that was taken out may come back. Called by the table in `cli.app`.

The JSON: {"gpu": {"uuid", "index"}, "passed": BOOL, "returned": BOOL, "message": "…",
           "steps": [{"name", "result": "ok" | "bad" | "unknown", "detail", "needed": BOOL}…]}
"""

import json
import sys
from typing import Annotated, Any

import typer

from sentinel.cli.local.health.burn import burn
from sentinel.cli.local.wiring import GPU_SOURCES, gpu_source
from sentinel.cli.plain import one_line
from sentinel.core.arbiter_client import Channel
from sentinel.core.clock import wall
from sentinel.core.errors import ArbiterUnavailable, SentinelError, UsageError
from sentinel.core.gpu import Gpu, GpuReading
from sentinel.core.units import parse_duration
from sentinel.health.checkup import Burn, Step, checkup, passed
from sentinel.health.quarantine import by_finding
from sentinel.health.round import look
from sentinel.health.view import HealthView
from sentinel.ports.gpus import GpuSource

_WIDTH = 9


def command(
    action: Annotated[str, typer.Argument(metavar="check", help="What to do: check.")],
    gpu: Annotated[str, typer.Argument(metavar="GPU", help="Its index or UUID.")],
    seconds: Annotated[
        str | None,
        typer.Option("--burn", metavar="TIME", help="Load it for so long, with torch or cupy, like 30s."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Only check: leave it where it is.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="How each check went.")] = False,
    source: Annotated[
        str, typer.Option("--source", metavar="SOURCE", help=f"One of: {', '.join(GPU_SOURCES)}.")
    ] = "auto",
) -> None:
    """Check a GPU that was taken out because of a finding, and let it come back if all is well.

    Looks at driver, card, memory, clocks and PCIe as they are now. Exit 1: it stays out. A cordon that a
    person made is left alone. After an upgrade of the driver: drain, reboot, check, and it is back.
    """
    if action != "check":
        raise UsageError(
            f"{action!r} is nothing that can be done with a GPU; there is: sentinel gpu check GPU"
        )
    opened = gpu_source(source)
    try:
        card = _chosen(opened.read(), gpu)
        steps = _examine(opened, card, None if seconds is None else parse_duration(seconds))
    finally:
        opened.close()
    good = passed(steps)
    returned, message = (False, "it stays out: see what is bad") if not good else _come_back(card, keep)
    _show(card, steps, good, returned, message, as_json)
    if not good:
        raise typer.Exit(1)


def _chosen(reading: GpuReading, asked: str) -> Gpu:
    for one in reading.gpus:
        if asked in (str(one.index), one.uuid):
            return one
    here = ", ".join(f"{one.index} ({one.uuid})" for one in reading.gpus)
    raise UsageError(f"there is no GPU {asked!r} here: {here}")


def _examine(source: GpuSource, card: Gpu, seconds: float | None) -> tuple[Step, ...]:
    loaded: list[Gpu] = []
    result, said = Burn.NOT_ASKED, ""
    if seconds is not None:
        if card.processes is None or card.processes:
            raise UsageError(f"GPU {card.index} has processes on it, or may have: --burn would disturb them")

        def meanwhile() -> None:
            loaded.append(_again(source, card))

        print(f"loading GPU {card.index} for {seconds:g} s", file=sys.stderr)
        result, said = burn(card.uuid, seconds, meanwhile)
    reading = source.read()
    found = look(HealthView(now=wall(), reading=reading)).findings
    about = [one for one in found if one.gpu is not None and one.gpu.uuid == card.uuid]
    now = next((one for one in reading.gpus if one.uuid == card.uuid), None)
    busiest = max(loaded, key=lambda one: one.utilization_percent or 0.0, default=None)
    return checkup(now, about, busiest if result is Burn.PASSED else None, result, said)


def _again(source: GpuSource, card: Gpu) -> Gpu:
    return next((one for one in source.read().gpus if one.uuid == card.uuid), card)


def _come_back(card: Gpu, keep: bool) -> tuple[bool, str]:
    """Takes off the cordon that a finding made. Whether it did, and a sentence."""
    if keep:
        return False, "it may come back; left where it is, as asked"
    try:
        channel = Channel(timeout=10.0)
    except ArbiterUnavailable:
        return False, "it may come back; there is no arbiter here that would have taken it out"
    try:
        gpus = channel.ask({"cmd": "status"})["status"]["gpus"]
        cordon = next((one["cordon"] for one in gpus if one["uuid"] == card.uuid), None)
        if cordon is None:
            return False, "it was not taken out"
        if not by_finding(cordon["reason"]):
            return False, f"it is well, but {cordon['by']} took it out: {one_line(cordon['reason'])}"
        channel.ask({"cmd": "uncordon", "gpu": card.uuid})
    except SentinelError as error:
        return False, f"it is well, but could not be returned: {error.message}"
    finally:
        channel.close()
    return True, "it takes work again"


def _show(
    card: Gpu, steps: tuple[Step, ...], good: bool, returned: bool, message: str, as_json: bool
) -> None:
    if as_json:
        shown: dict[str, Any] = {
            "gpu": {"uuid": card.uuid if card.named else None, "index": card.index},
            "passed": good,
            "returned": returned,
            "message": message,
            "steps": [_step_json(one) for one in steps],
        }
        print(json.dumps(shown, indent=2))
        return
    for step in steps:
        print(f"{step.name:<{_WIDTH}}{step.result.value:<{_WIDTH}}{one_line(step.detail)}")
    print(f"GPU {card.index}: {'passed' if good else 'NOT passed'}; {message}")


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "result": step.result.value,
        "detail": step.detail,
        "needed": step.needed,
    }
