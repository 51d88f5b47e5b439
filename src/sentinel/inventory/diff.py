"""What happened between two inventories, as events. Pure; called by the keeper after attribution.

A run is one start of one workload: it is told of once when it is first seen running, and once when it is
known to have ended. What nobody can tell is no event.
"""

import hashlib

from sentinel.core.clock import rfc3339
from sentinel.core.event import BECAME_IDLE, DETECTED, EXITED, RECLASSIFIED, RESUMED, Event
from sentinel.core.inventory import Inventory, SourceState
from sentinel.core.workload import Workload, WorkloadState
from sentinel.core.workload_json import workload_json
from sentinel.inventory.attribution.joining import PROCESS
from sentinel.inventory.attribution.scene import same_time

_JUDGED = ("origin", "category", "user")


def diff(before: Inventory | None, after: Inventory) -> tuple[Event, ...]:
    """The events between the last inventory (None: there was none) and this one, exits first."""
    earlier = {one.id: one for one in before.workloads} if before else {}
    now = {one.id: one for one in after.workloads}
    teller = _Teller(after)
    ended: list[Event] = []
    begun: list[Event] = []
    for id, was in earlier.items():
        one = now.get(id)
        if was.seen_running and (one is None or not one.seen_running or not same_run(was, one)):
            if one is not None or not _unasked(after, was):
                ended.append(teller.exited(was, one))
        elif one is not None and was is not one:
            begun += teller.changed(was, one)
    for id, one in now.items():
        was = earlier.get(id)
        if one.seen_running and (was is None or not was.seen_running or not same_run(was, one)):
            begun.append(teller.event(DETECTED, one))
    return (*ended, *begun)


def same_run(one: Workload, other: Workload) -> bool:
    """Whether two sightings of one id are of the same start. A host process's id names its start already."""
    return one.id.startswith(PROCESS) or same_time(one.started_at, other.started_at)


def _unasked(after: Inventory, was: Workload) -> bool:
    """Whether it is missing only because its source was switched off."""
    report = after.sources.get(was.source or "")
    return report is not None and report.state is SourceState.ABSENT


class _Teller:
    """Makes the events of one diff."""

    def __init__(self, after: Inventory) -> None:
        self._after = after
        self._index = {gpu.uuid: gpu.index for gpu in after.gpus}
        self._owners: dict[int, str] | None = None

    def changed(self, was: Workload, one: Workload) -> list[Event]:
        """What became of a workload that is the same run, or stands still."""
        found: list[Event] = []
        if was.user != one.user or was.origin is not one.origin or was.category is not one.category:
            sides = {
                side: {name: _text(what, name) for name in _JUDGED}
                for side, what in (("from", was), ("to", one))
            }
            found.append(self.event(RECLASSIFIED, one, f"{sides} {_time(self._after.scanned_at)}", **sides))
        if one.state is WorkloadState.IDLE and not _still(was.idle_since, one.idle_since):
            found.append(self.event(BECAME_IDLE, one, _time(one.idle_since)))
        elif was.idle_since is not None and self._resumed(one):
            found.append(self.event(RESUMED, one, _time(was.idle_since), idle_since=_time(was.idle_since)))
        return found

    def exited(self, was: Workload, one: Workload | None) -> Event:
        """The end of a run; `part_of` names the workload that its process counts as part of now."""
        other = self._owner(was) if one is None else None
        more = {} if other is None else {"part_of": other}
        return self.event(EXITED, was, **more)

    def event(self, type: str, one: Workload, discriminator: str = "", **data: object) -> Event:
        run = "" if one.id.startswith(PROCESS) else _time(one.started_at)
        if not run and type in (DETECTED, EXITED):
            discriminator = _time(one.first_seen_at if one.id.startswith(PROCESS) else one.last_seen_at)
        key = "\0".join((self._after.node, one.id, run, type, discriminator))
        return Event(
            id=hashlib.sha256(key.encode(errors="backslashreplace")).hexdigest()[:32],
            source=f"/nodes/{self._after.node}/inventory",
            type=type,
            subject=one.id,
            time=self._after.scanned_at,
            data={"workload": workload_json(one, self._index), **data},
        )

    def _resumed(self, one: Workload) -> bool:
        """Whether it is known to be in use again, and not merely unknown whether it still lies idle."""
        gpus = self._after.sources.get("gpus")
        return (
            one.state is WorkloadState.RUNNING
            and one.idle_since is None
            and one.quiet_since is None
            and one.gpu_memory_bytes is not None
            and gpus is not None
            and gpus.state is SourceState.OK
        )

    def _owner(self, was: Workload) -> str | None:
        if not was.id.startswith(PROCESS) or was.pid is None:
            return None
        if self._owners is None:
            self._owners = {pid: one.id for one in self._after.workloads for pid in one.pids}
        return self._owners.get(was.pid)


def _still(was: float | None, now: float | None) -> bool:
    return was is not None and now is not None and same_time(was, now)


def _text(one: Workload, name: str) -> str | None:
    found: object = getattr(one, name)
    return None if found is None else str(found)


def _time(found: float | None) -> str:
    return "" if found is None else rfc3339(found)
