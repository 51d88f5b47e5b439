"""What we need of whatever runs containers. Drivers: docker (and Podman's compatible socket), containerd.

The fake is in tests/fakes. All calls block, up to the driver's time limit, and are made by one thread at a
time, except `changes`, which has a connection of its own.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

from sentinel.core.container import Container, ContainerSummary


class ContainerSource(Protocol):
    """Reads the containers of this machine, stopped ones too. Changes nothing."""

    @property
    def name(self) -> str:
        """The engine: "docker", "podman" or "containerd"."""
        ...

    def containers(self) -> tuple[ContainerSummary, ...]:
        """Every container, running or not. One call to the engine. Idempotent.

        Raises SourceAbsent when there is no such engine here, SourceUnknown when it does not answer rightly.
        """
        ...

    def inspect(self, id: str) -> Container | None:
        """Everything about one; None when it is gone by now. Idempotent. Raises as `containers`."""
        ...

    def changes(self) -> Iterator[str]:
        """The ids of containers to which something has just happened, for as long as the engine tells.

        Blocks between them; ends when the connection does. Raises as `containers`. May be incomplete.
        """
        ...

    def close(self) -> None:
        """Lets go, and ends `changes`, from another thread too. Idempotent."""
        ...


class Labeller(Protocol):
    """Sets labels on what already runs, where the runtime can: containerd, Kubernetes."""

    @property
    def name(self) -> str:
        """Where the mark is then written: "containerd", "kubernetes"."""
        ...

    def labels(self, id: str) -> Mapping[str, str] | None:
        """The labels of a running container; None when this labeller does not know it.

        Raises SourceAbsent, SourceUnknown.
        """
        ...

    def set_labels(self, id: str, labels: Mapping[str, str]) -> bool:
        """Adds these labels; whether they are there now. Idempotent. Raises as `labels`."""
        ...
