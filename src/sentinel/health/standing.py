"""Findings from round to round: which began, which go on, which ended. Pure; kept by whoever runs rounds.

A finding ends after it was gone for CLEAN_ROUNDS rounds and CLEAN_SECONDS seconds in which its component
could look: never because the component became unsure (of its GPU, or at all), and never because its GPU is
not listed any more. So neither a flapping sensor nor a lost card makes and ends findings all day.

    standing, events = standing.after(look(view), node="gpu01")
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sentinel.core.clock import rfc3339
from sentinel.core.event import FINDING_CLOSED as CLOSED
from sentinel.core.event import FINDING_OPENED as OPENED
from sentinel.core.event import Event
from sentinel.core.finding import Finding, GpuRef, Unsure, finding_json
from sentinel.health.round import Round, in_order

CLEAN_ROUNDS = 3
CLEAN_SECONDS = 60.0

_OF_THE_LOG = frozenset(("xid", "sxid"))
"""What these find is in the kernel's log, whether or not the driver lists the card (or switch) now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A finding that stands. `clean_since` (epoch) and `clean_rounds` count since it was last found."""

    finding: Finding
    clean_rounds: int = 0
    clean_since: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands, by the finding's id."""

    open: Mapping[str, Open] = field(default_factory=dict[str, Open])

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that stands, the worst first; `first_at` is when it began, `last_at` when it was last seen."""
        return in_order(one.finding for one in self.open.values())

    @property
    def quarantined(self) -> tuple[GpuRef, ...]:
        """The GPUs that should be out of scheduling."""
        return tuple({one.gpu: None for one in self.findings if one.quarantine and one.gpu is not None})

    def after(self, round: Round, node: str) -> tuple["Standing", tuple[Event, ...]]:
        """How it stands after `round` on the machine called `node`, and what to announce of it."""
        found = {one.id: one for one in reversed(round.findings)}
        events: list[Event] = []
        standing: dict[str, Open] = {}
        for id, now in self.open.items():
            if id in found:
                standing[id] = Open(finding=_continued(now.finding, found[id]))
                continue
            waiting = _cleaner(now, round)
            if _ended(waiting, round.at):
                events.append(_event(CLOSED, waiting.finding, node, round.at))
            else:
                standing[id] = waiting
        for finding in round.findings:
            if finding.id not in standing:
                standing[finding.id] = Open(finding=found[finding.id])
                events.append(_event(OPENED, found[finding.id], node, round.at))
        return Standing(open=standing), tuple(events)

    def without(self, gpu: GpuRef) -> "Standing":
        """Drops what stands about a card that an admin took out of the machine or cleared."""
        kept = {id: one for id, one in self.open.items() if not _same(one.finding.gpu, gpu)}
        return Standing(open=kept)


def _continued(before: Finding, now: Finding) -> Finding:
    times = [at for at in (before.first_at, now.first_at) if at is not None]
    return replace(now, first_at=min(times, default=None))


def _cleaner(one: Open, round: Round) -> Open:
    if not _looked(one.finding, round):
        return one
    # The clock may have been set back; then it counts from now.
    since = one.clean_since if one.clean_since is not None and one.clean_since <= round.at else round.at
    return replace(one, clean_rounds=one.clean_rounds + 1, clean_since=since)


def _ended(one: Open, at: float) -> bool:
    return (
        one.clean_rounds >= CLEAN_ROUNDS
        and one.clean_since is not None
        and at - one.clean_since >= CLEAN_SECONDS
    )


def _looked(finding: Finding, round: Round) -> bool:
    """Whether the finding's component looked where it was found, and did not find it."""
    verdict = round.verdicts.get(finding.component)
    if verdict is None:
        return False
    if isinstance(verdict, Unsure):
        if verdict.gpus is None or finding.gpu is None:
            return False
        if any(_same(finding.gpu, gpu) for gpu in verdict.gpus):
            return False
    if finding.gpu is None or finding.component in _OF_THE_LOG:
        return True
    return any(_same(finding.gpu, gpu) for gpu in round.gpus)


def _same(one: GpuRef | None, other: GpuRef | None) -> bool:
    """Whether both are the same card, by the best name that both have."""
    if one is None or other is None:
        return False
    for mine, theirs in (
        (one.uuid, other.uuid),
        (one.pci_bus_id, other.pci_bus_id),
        (one.index, other.index),
    ):
        if mine is not None and theirs is not None:
            return mine == theirs
    return False


def _event(type: str, finding: Finding, node: str, at: float) -> Event:
    began = "" if finding.first_at is None else rfc3339(finding.first_at)
    key = "\0".join((node, finding.id, type, began))
    return Event(
        id=hashlib.sha256(key.encode(errors="backslashreplace")).hexdigest()[:32],
        source=f"/nodes/{node}/health",
        type=type,
        subject=finding.id,
        time=at,
        data={"finding": finding_json(finding)},
    )
