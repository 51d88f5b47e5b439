"""What we need of whatever runs an inference service. Drivers: systemd, process (later ollama, vllm)."""

from typing import Protocol

from sentinel.core.service import Rung, Sight


class ServiceDriver(Protocol):
    """Runs one inference service. `evict` and `restore` block and are never called side by side;
    `look` may come from another thread at any time, while either of them runs, too."""

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """What `evict` can do, gentlest first."""
        ...

    def look(self) -> Sight:
        """How the service stands now. Cheap (no subprocess in the steady state), changes nothing.

        Never raises for a state of the service: what cannot be found out is `Unseen`.
        """
        ...

    def evict(self, rung: Rung, enough_bytes: int | None = None) -> None:
        """Takes one rung; returns when that is done. Idempotent: evicting what is evicted is fine.

        `enough_bytes`: when given, a rung that can free a part may stop once it has freed that much
        (one model of several, say); None asks for all it can.
        For STOP: every process of the service is gone on return. A service that ignores the polite
        signal is killed after the driver's `stop_timeout` seconds.
        Raises ServiceError with the reason when it could not be done.
        """
        ...

    def restore(self) -> None:
        """Undoes every rung taken; returns when the service runs. Idempotent.

        Raises ServiceError with the reason when the service does not come up.
        """
        ...

    def close(self) -> None:
        """Lets go. What the driver itself started as a child ends; what systemd runs stays."""
        ...
