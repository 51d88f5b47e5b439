"""Whether a GPU that was taken out may come back: what is checked, and how each check went. Pure.

Called by `sentinel gpu check` with what it read at rest and, if the card was loaded, under load. The kernel's
log is left out: it tells of what was, and here is asked what is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sentinel.core.finding import Finding, Severity
from sentinel.core.gpu import Gpu
from sentinel.core.units import show_size

_LOAD_CLOCK_SHARE = 0.5
"""Of the highest clock: below that a card under full load is held down by something."""


class Result(StrEnum):
    """How a check went. UNKNOWN is not OK: it could not be made."""

    OK = "ok"
    BAD = "bad"
    UNKNOWN = "unknown"


class Burn(StrEnum):
    """What became of loading the card."""

    NOT_ASKED = "not asked for: --burn SECONDS loads the card"
    NO_LIBRARY = "no CUDA library for Python is installed here (torch or cupy)"
    PASSED = "it computed without an error"
    FAILED = "it computed wrongly, or could not be run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One check. `needed`: the GPU comes back only if this is OK."""

    name: str
    result: Result
    detail: str
    needed: bool = False


def checkup(
    at_rest: Gpu | None, findings: Sequence[Finding], loaded: Gpu | None, burn: Burn, said: str = ""
) -> tuple[Step, ...]:
    """All checks of one card. `findings` are those of the sensors about it; `loaded` is the card under load;
    `said` is what the program that loaded it printed."""
    if at_rest is None:
        return (Step(name="driver", result=Result.BAD, detail="the driver does not list it", needed=True),)
    shown = loaded or at_rest
    return (
        Step(name="driver", result=Result.OK, detail="the driver lists it", needed=True),
        _by_findings("card", ("gpu",), findings, at_rest.error is None, at_rest.error or "it answers"),
        _memory(at_rest, findings),
        _clocks(shown, findings, under_load=loaded is not None),
        _pcie(shown, under_load=loaded is not None),
        _burn(burn, said),
    )


def passed(steps: Sequence[Step]) -> bool:
    """Whether the GPU may come back: nothing is bad, and what is needed is known to be well."""
    return all(one.result is Result.OK or (one.result is Result.UNKNOWN and not one.needed) for one in steps)


def _by_findings(
    name: str, components: Sequence[str], findings: Sequence[Finding], known: bool, well: str
) -> Step:
    bad = [one for one in findings if one.component in components and one.severity is not Severity.INFO]
    if bad:
        return Step(name=name, result=Result.BAD, detail="; ".join(one.title for one in bad), needed=True)
    return Step(name=name, result=Result.OK if known else Result.BAD, detail=well, needed=True)


def _memory(gpu: Gpu, findings: Sequence[Finding]) -> Step:
    total = gpu.memory_total_bytes
    if total is None or gpu.memory_used_bytes is None:
        return Step(
            name="memory", result=Result.UNKNOWN, detail="its size or use cannot be read", needed=True
        )
    well = f"{show_size(gpu.memory_used_bytes)} of {show_size(total)} in use"
    return _by_findings("memory", ("memory", "ecc", "remapping", "retired"), findings, total > 0, well)


def _clocks(gpu: Gpu, findings: Sequence[Finding], *, under_load: bool) -> Step:
    held = [one for one in findings if one.component in ("clocks", "thermal", "power")]
    bad = [one for one in held if one.severity is not Severity.INFO]
    if bad:
        return Step(name="clocks", result=Result.BAD, detail="; ".join(one.title for one in bad))
    now = gpu.sensors.sm_clock_hertz if gpu.sensors else None
    most = gpu.sensors.sm_clock_max_hertz if gpu.sensors else None
    if now is None or most is None or not most:
        return Step(name="clocks", result=Result.UNKNOWN, detail="they cannot be read")
    text = f"{now / 1e6:.0f} of {most / 1e6:.0f} MHz"
    if not under_load:
        return Step(name="clocks", result=Result.UNKNOWN, detail=f"{text} at rest says nothing; use --burn")
    slow = now < _LOAD_CLOCK_SHARE * most
    return Step(name="clocks", result=Result.BAD if slow else Result.OK, detail=f"{text} under load")


def _pcie(gpu: Gpu, *, under_load: bool) -> Step:
    sensors = gpu.sensors
    width = sensors.pcie_width if sensors else None
    most = sensors.pcie_width_max if sensors else None
    if width is None or most is None:
        return Step(name="pcie", result=Result.UNKNOWN, detail="the link cannot be read")
    speed = sensors.pcie_generation if sensors else None
    fastest = sensors.pcie_generation_max if sensors else None
    text = f"x{width} of x{most}, generation {speed or '?'} of {fastest or '?'}"
    if width < most:
        return Step(name="pcie", result=Result.UNKNOWN, detail=f"{text}: is the slot as wide as the card?")
    slow = under_load and speed is not None and fastest is not None and speed < fastest
    return Step(name="pcie", result=Result.BAD if slow else Result.OK, detail=text)


def _burn(burn: Burn, said: str) -> Step:
    result = {Burn.PASSED: Result.OK, Burn.FAILED: Result.BAD}.get(burn, Result.UNKNOWN)
    return Step(name="load", result=result, detail=f"{burn.value}: {said}" if said else burn.value)
