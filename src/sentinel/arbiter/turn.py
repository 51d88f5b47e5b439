"""One step of the machine while it is being taken: the state so far and the actions so far.

Local to a step: what goes in and what comes out of `machine.step` is immutable.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from sentinel.arbiter.inputs import Action, Journal, Measure
from sentinel.arbiter.states import Phase, Service, State

K = TypeVar("K")
V = TypeVar("V")

MEASURE_SPACING = 0.03
"""Seconds between readings while someone waits for memory to come free."""


class Turn:
    """Collects what a step changes."""

    __slots__ = ("actions", "now", "state")

    def __init__(self, state: State, now: float) -> None:
        self.state = state
        self.now = now
        self.actions: list[Action] = []

    def do(self, action: Action) -> None:
        self.actions.append(action)

    def set(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)

    def put_service(self, service: Service, **changes: Any) -> Service:
        changed = replace(service, **changes)
        if changed != service:
            self.set(services={**self.state.services, service.settings.name: changed})
        return changed

    def enter(self, service: Service, phase: Phase, **changes: Any) -> Service:
        return self.put_service(service, phase=phase, **changes)

    def info(self, text: str) -> None:
        self.do(Journal(level="info", text=text))

    def warn(self, text: str) -> None:
        self.do(Journal(level="warning", text=text))

    def measure(self) -> None:
        """Asks for a reading, unless one is under way or the last has only just come."""
        if not self.state.reading and self.now >= self.state.next_reading_at:
            self.set(reading=True)
            self.do(Measure())


def without(mapping: Mapping[K, V], key: K) -> dict[K, V]:
    return {k: v for k, v in mapping.items() if k != key}
