"""Findings as a table, and one in full. Called by `sentinel health` and `sentinel gpu check`. Pure."""

from collections.abc import Mapping, Sequence

from sentinel.cli.colour import Paint, painted
from sentinel.cli.columns import Column, aligned, joined, widths
from sentinel.cli.local.duration_text import clock_text
from sentinel.cli.plain import one_line
from sentinel.cli.text_wrap import wrapped
from sentinel.core.finding import Bad, Finding, GpuRef, Ok, Severity, Unsure, Verdict
from sentinel.health.components import Component
from sentinel.health.round import Round

_COLUMNS = (
    Column(title="SEVERITY"),
    Column(title="GPU", most=20, least=7),
    Column(title="CODE"),
    Column(title="COUNT", right=True),
    Column(title="WHAT", least=12),
)
_PAINTS = {Severity.CRITICAL: Paint.BAD, Severity.WARNING: Paint.NOTICE, Severity.INFO: Paint.PLAIN}
_INDENT = "    "


def show_round(round: Round, width: int | None, *, colour: bool) -> list[str]:
    """The table with a next step under each, what is unknown, and what is well."""
    lines: list[str] = []
    if round.findings:
        lines += _table(round.findings, width, colour=colour)
    well = [name for name, verdict in round.verdicts.items() if isinstance(verdict, Ok)]
    if round.unknown:
        lines += [*([""] if lines else []), "Unknown, which is not the same as well:"]
        for why, names in _by_reason(round.unknown).items():
            text = f"{', '.join(names)}: {one_line(why)}"
            lines += [f"  {line}" for line in wrapped(text, (width or 100) - 2)]
    said = f"Nothing found by: {', '.join(well)}." if well else "No component could say that all is well."
    lines += ["", *wrapped(said, width or 100)] if lines else wrapped(said, width or 100)
    if round.findings:
        lines += ["", "More on one: sentinel health --explain ID (its code, or the beginning of its id)"]
    return lines


def _by_reason(unknown: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, why in unknown.items():
        found.setdefault(why, []).append(name)
    return found


def _table(findings: Sequence[Finding], width: int | None, *, colour: bool) -> list[str]:
    rows = [_row(one) for one in findings]
    sizes = widths(_COLUMNS, rows, width)
    titles = joined(aligned(_COLUMNS, [column.title for column in _COLUMNS], sizes))
    lines = [painted(titles, Paint.HEAD, on=colour)]
    for one, row in zip(findings, rows, strict=True):
        lines.append(painted(joined(aligned(_COLUMNS, row, sizes)), _PAINTS[one.severity], on=colour))
        lines += [f"{_INDENT}{line}" for line in wrapped(one.next_step, (width or 100) - len(_INDENT))]
    return lines


def _row(one: Finding) -> tuple[str, ...]:
    out = " (take it out)" if one.quarantine else ""
    return (one.severity.value, gpu_text(one.gpu), one.code, str(one.count), one_line(one.title) + out)


def gpu_text(gpu: GpuRef | None) -> str:
    """Its index where that is known; "node" for what concerns all."""
    if gpu is None:
        return "node"
    return str(gpu.index) if gpu.index is not None else one_line(gpu.pci_bus_id or gpu.name)


def show_finding(one: Finding, width: int) -> list[str]:
    """All that is known of one, for people."""
    times = [at for at in (one.first_at, one.last_at) if at is not None]
    seen = (
        " to ".join(dict.fromkeys(clock_text(at) for at in times)) or "at a time that the log does not tell"
    )
    facts = [
        ("id", one.id),
        ("severity", f"{one.severity.value}, {one.layer.value}"),
        ("GPU", _whole(one.gpu)),
        ("seen", f"{one.count} times, {seen}" if one.count != 1 else f"once, {seen}"),
        ("what", one.title),
        ("cause", one.cause),
        ("next step", one.next_step),
        ("scheduling", _scheduling(one)),
    ]
    lines: list[str] = []
    for name, text in facts:
        first, *rest = wrapped(one_line(text), width - 12) or [""]
        lines += [f"{name:<12}{first}", *(f"{'':<12}{line.strip()}" for line in rest)]
    lines += ["", "Evidence, the newest last"]
    for proof in one.evidence:
        at = "" if proof.at is None else f" at {clock_text(proof.at)}"
        lines += [
            f"  {line}" for line in wrapped(f"{one_line(proof.where)}{at}: {one_line(proof.read)}", width - 2)
        ]
    return lines if one.evidence else lines[:-2]


def _whole(gpu: GpuRef | None) -> str:
    if gpu is None:
        return "none: it is about the node"
    index = None if gpu.index is None else f"GPU {gpu.index}"
    return ", ".join(part for part in (index, gpu.uuid, gpu.pci_bus_id) if part) or "unknown"


def _scheduling(one: Finding) -> str:
    if one.quarantine:
        return "the GPU should take no work until `sentinel gpu check` passes or an admin says so"
    return "nothing changes" if one.gpu else "it is about the node: no GPU is taken out for it"


def show_components(components: Sequence[Component], width: int) -> list[str]:
    """What every component looks at, and its codes."""
    lines: list[str] = []
    for component in components:
        lines += [component.name, *(f"  {line}" for line in wrapped(component.about, width - 2))]
        for code, about in component.codes.items():
            lines += [f"    {line}" for line in wrapped(f"{code}: {about}", width - 4)]
        lines.append("")
    return lines[:-1]


def verdict_word(verdict: Verdict) -> str:
    """ "ok", "bad" or "unknown"."""
    match verdict:
        case Ok():
            return "ok"
        case Bad():
            return "bad"
        case Unsure():
            return "unknown"
