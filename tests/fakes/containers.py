"""A source of containers, and a labeller, in memory. The contract suite runs against both."""

import queue
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tests.fakes.container_engine import an_id

from sentinel.core.container import Container, ContainerState, ContainerSummary
from sentinel.core.errors import SentinelError


class FakeContainers:
    """A ContainerSource. `trouble` is raised by every call while it is set; `inspected` is what was asked."""

    def __init__(self, name: str = "docker") -> None:
        self.name = name
        self.found: dict[str, Container] = {}
        self.trouble: SentinelError | None = None
        self.inspected: list[str] = []
        self.listings = 0
        self.closed = False
        self._listeners: list[queue.SimpleQueue[str | None]] = []

    def add(self, name: str, **changes: Any) -> Container:
        """A running container with these fields."""
        defaults: dict[str, Any] = {
            "image": "box",
            "state": ContainerState.RUNNING,
            "command": ("sleep", "1000"),
            "pid": 4242,
            "created_at": 1.0,
            "started_at": 2.0,
        }
        made = Container(id=an_id(name), name=name, engine=self.name, **(defaults | changes))
        return self.put(made)

    def put(self, container: Container) -> Container:
        """Adds it, or replaces the one with its id."""
        self.found[container.id] = container
        self.tell(container.id)
        return container

    def end(self, id: str) -> None:
        """Its process ends."""
        self.put(replace(self.found[id], state=ContainerState.EXITED, pid=None))

    def remove(self, id: str) -> None:
        del self.found[id]
        self.tell(id)

    def tell(self, id: str) -> None:
        """Something happened to it."""
        for listener in tuple(self._listeners):
            listener.put(id)

    @property
    def listeners(self) -> int:
        """How many listen to changes."""
        return len(self._listeners)

    def hang_up(self) -> None:
        """Ends `changes`, as an engine does that stops."""
        for listener in tuple(self._listeners):
            listener.put(None)

    # -------------------------------------------------------------- the port

    def containers(self) -> tuple[ContainerSummary, ...]:
        self._check()
        self.listings += 1
        return tuple(
            ContainerSummary(
                id=one.id,
                name=one.name,
                image=one.image,
                command=" ".join(one.command),
                state=one.state,
                created_at=one.created_at or 0.0,
                labels=one.labels,
            )
            for one in self.found.values()
        )

    def inspect(self, id: str) -> Container | None:
        self._check()
        self.inspected.append(id)
        return self.found.get(id)

    def changes(self) -> Iterator[str]:
        self._check()
        if self.closed:
            return
        mine: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._listeners.append(mine)
        try:
            while (id := mine.get()) is not None:
                yield id
        finally:
            self._listeners.remove(mine)

    def close(self) -> None:
        self.closed = True
        self.hang_up()

    def _check(self) -> None:
        if self.trouble:
            raise self.trouble


class FakeLabeller:
    """A Labeller. `found` has the labels of what runs; `trouble` is raised while it is set."""

    def __init__(
        self, name: str = "containerd", found: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        self.name = name
        self.found: dict[str, dict[str, str]] = {id: dict(labels) for id, labels in (found or {}).items()}
        self.trouble: SentinelError | None = None
        self.set: list[tuple[str, dict[str, str]]] = []

    def labels(self, id: str) -> Mapping[str, str] | None:
        if self.trouble:
            raise self.trouble
        return dict(self.found[id]) if id in self.found else None

    def set_labels(self, id: str, labels: Mapping[str, str]) -> bool:
        if self.trouble:
            raise self.trouble
        if id not in self.found:
            return False
        self.set.append((id, dict(labels)))
        self.found[id].update(labels)
        return True
