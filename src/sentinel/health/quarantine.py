"""Which GPUs are to be taken out of scheduling, because of what was found on them. Pure.

Called by the agent after each round; the arbiter's cordon is what takes a GPU out. It comes back when
`sentinel gpu check` passes, or when an admin says so. Whoever brought it back knew of what had been found
until then: only what happens after that takes it out again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sentinel.core.finding import Finding

REASON = "quarantine: "
"""What the reason of a cordon begins with that was put there by a finding."""
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Take this GPU out. `findings` are the ids of what made us."""

    gpu: str  # UUID
    reason: str
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """What has been acted upon already: for each finding's id, how often it had happened, and since when."""

    findings: Mapping[str, tuple[float | None, int]] = field(
        default_factory=dict[str, tuple[float | None, int]]
    )


def orders(
    findings: Sequence[Finding], cordoned: Mapping[str, str] | None, acted: Acted
) -> tuple[Order, ...]:
    """What to do now. `cordoned` are the reasons of the cordons in force, by UUID; None: that is not known.

    While it is not known nothing is ordered: an order that was carried out twice would overwrite an admin's
    reason. A finding about a card whose UUID is not known cannot be acted upon.
    """
    if cordoned is None:
        return ()
    due: dict[str, list[Finding]] = {}
    for one in findings:
        if one.quarantine and one.gpu is not None and one.gpu.uuid is not None:
            due.setdefault(one.gpu.uuid, []).append(one)
    return tuple(
        Order(gpu=gpu, reason=_reason(new), findings=tuple(one.id for one in new))
        for gpu, found in due.items()
        if gpu not in cordoned and (new := [one for one in found if _is_new(one, acted)])
    )


def after(findings: Sequence[Finding], cordoned: Mapping[str, str] | None, acted: Acted) -> Acted:
    """What has been acted upon after a round: everything that was found on GPUs which are out now.

    What is gone is forgotten, so that it counts as new when it comes again.
    """
    if cordoned is None:
        return acted
    here = {one.id: one for one in findings if one.quarantine}
    known = {id: mark for id, mark in acted.findings.items() if id in here}
    for id, one in here.items():
        if one.gpu is not None and one.gpu.uuid in cordoned:
            known[id] = (one.first_at, one.count)
    return Acted(findings=known)


def by_finding(reason: str) -> bool:
    """Whether a cordon with this reason was put there by a finding, not by a person."""
    return reason.startswith(REASON)


def _is_new(finding: Finding, acted: Acted) -> bool:
    before = acted.findings.get(finding.id)
    return before is None or before[0] != finding.first_at or finding.count > before[1]


def _reason(findings: Sequence[Finding]) -> str:
    text = "; ".join(f"{one.title} ({one.code})" for one in findings)
    return f"{REASON}{text}"[:_LONGEST_REASON]
