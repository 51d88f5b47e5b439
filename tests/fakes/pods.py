"""A PodSource that says what a test tells it to."""

from dataclasses import dataclass

from sentinel.core.errors import SourceAbsent, SourceUnknown
from sentinel.core.pod import PodDevices


@dataclass
class FakePods:
    """Edit the fields; reads see them at once. `failure` is raised instead of an answer."""

    given: tuple[PodDevices, ...] = ()
    failure: SourceAbsent | SourceUnknown | None = None
    reads: int = 0

    def devices(self) -> tuple[PodDevices, ...]:
        self.reads += 1
        if self.failure is not None:
            raise self.failure
        return self.given

    def close(self) -> None:
        pass
