"""One round of health: every component looks, and what they find is sorted. Pure.

Called by the agent at each sample and by `sentinel health`. What began and ended since is for `standing`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sentinel.core.finding import Finding, GpuRef, Ok, Severity, Unsure, Verdict
from sentinel.health.components import ALL, Component
from sentinel.health.view import HealthView, ref

_ORDER = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """`findings` are the worst first, then by GPU; `unknown` is why, by component, for those that are
    unsure."""

    at: float  # epoch seconds
    verdicts: Mapping[str, Verdict]
    findings: tuple[Finding, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict[str, str])
    gpus: tuple[GpuRef, ...] = ()  # those that were read


def look(view: HealthView, components: Sequence[Component] = ALL) -> Round:
    """What `components` say about `view`. A finding with no time of its own gets that of the look."""
    verdicts = {one.name: one.check(view) for one in components}
    found = [one for verdict in verdicts.values() if not isinstance(verdict, Ok) for one in verdict.findings]
    return Round(
        at=view.now,
        verdicts=verdicts,
        findings=in_order(_timed(finding, view.now) for finding in found),
        unknown={name: verdict.why for name, verdict in verdicts.items() if isinstance(verdict, Unsure)},
        gpus=tuple(ref(gpu) for gpu in view.gpus or ()),
    )


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The worst first, then by the GPU's number (the node's last), then by code."""
    return tuple(sorted(findings, key=_rank))


def _rank(finding: Finding) -> tuple[int, int, str, str]:
    index = finding.gpu.index if finding.gpu else None
    return (_ORDER[finding.severity], 2**32 if index is None else index, finding.code, finding.id)


def _timed(finding: Finding, now: float) -> Finding:
    if finding.first_at is not None and finding.last_at is not None:
        return finding
    first = now if finding.first_at is None else finding.first_at
    return replace(finding, first_at=first, last_at=now if finding.last_at is None else finding.last_at)
