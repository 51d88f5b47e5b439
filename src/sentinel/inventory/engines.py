"""Containers of one engine, inspected only when something about them has changed.

Called by the scan. Inspecting is a call to the engine for each container; listing is one for all. What was
inspected stays true while the list shows the same state and the container's first process is still the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sentinel.core.container import Container, ContainerSummary
from sentinel.core.process import ProcessId
from sentinel.inventory.container_json import container_from, container_json
from sentinel.inventory.observation import Engine
from sentinel.ports.containers import ContainerSource
from sentinel.ports.process_facts import ProcessFactsSource


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    container: Container
    process: ProcessId | None  # its first process when it was inspected


class EngineView:
    """What is known of one engine's containers. Used by one thread at a time, but for `touch`."""

    def __init__(self, source: ContainerSource, processes: ProcessFactsSource) -> None:
        self.source = source
        self._processes = processes
        self._kept: dict[str, _Kept] = {}
        self._touched: set[str] = set()

    def touch(self, id: str) -> None:
        """Something happened to this one: it is inspected at the next look. From any thread."""
        self._touched.add(id)

    def look(self) -> Engine:
        """All containers now. Raises as ports.containers."""
        touched, self._touched = self._touched, set()
        try:
            summaries = self.source.containers()
            kept = {one.id: found for one in summaries if (found := self._kept_of(one, touched)) is not None}
        except BaseException:
            self._touched |= touched
            raise
        self._kept = kept
        return Engine(
            summaries=tuple(one for one in summaries if one.id in kept),
            details={id: one.container for id, one in kept.items()},
        )

    def _kept_of(self, summary: ContainerSummary, touched: Iterable[str]) -> _Kept | None:
        known = self._kept.get(summary.id)
        if known is not None and summary.id not in touched and self._holds(known, summary):
            if known.container.name == summary.name:
                return known
            return replace(known, container=replace(known.container, name=summary.name))
        found = self.source.inspect(summary.id)
        if found is None:
            return None  # removed since it was listed
        process = None if found.pid is None else self._processes.identify(found.pid)
        return _Kept(container=found, process=process)

    def _holds(self, known: _Kept, summary: ContainerSummary) -> bool:
        if known.container.state is not summary.state:
            return False
        if not summary.state.alive:
            return True
        first = known.process
        return first is not None and self._processes.identify(first.pid) == first

    # -------------------------------------------------------------- between scans

    def memory(self) -> dict[str, Any]:
        """What makes the next scan quick, as JSON values."""
        return {
            id: {
                "container": container_json(kept.container),
                "process": kept.process and [kept.process.pid, kept.process.started],
            }
            for id, kept in self._kept.items()
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Takes what `memory` gave, on the same boot. What cannot be read is inspected anew."""
        for id, raw in memory.items():
            try:
                process = raw["process"]
                self._kept[id] = _Kept(
                    container=container_from(raw["container"]),
                    process=ProcessId(int(process[0]), int(process[1])) if process else None,
                )
            except (KeyError, TypeError, ValueError, IndexError):
                continue
