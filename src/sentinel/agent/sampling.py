"""Taking samples at a steady pace, and looking sooner when something opened a GPU. Started by the agent.

One thread uses the GPU drivers, because a sick card can hang for minutes: everybody else goes on, and sees
how old the last sample is.
"""

import threading
from collections.abc import Callable, Collection

from sentinel.core.clock import boottime
from sentinel.core.errors import GpuReadError
from sentinel.core.gpu import GpuReading
from sentinel.ports.gpus import GpuSource
from sentinel.telemetry.sample import Sample
from sentinel.telemetry.sampler import Sampler

LOOKS = (0.02, 0.1, 0.25, 0.5, 0.9)
"""After a hint, when to look: who opens a GPU needs a moment until the driver lists it."""
_SOME_TIME = 0.5
"""After a weak hint: programs start all the time, and few of them use a GPU."""
_SPACING = 0.05
"""Between two looks at the least, however many hints come."""
_UNHINTED = 0.5
"""Between two looks at the most, where no hint comes: a second is too long to know of a newcomer."""

Running = frozenset[tuple[str, int]]
"""GPU's UUID and pid of everything that the driver lists."""


class SampleLoop:
    """The thread. `moved` is called from it when other processes are on the GPUs than before."""

    def __init__(
        self, sampler: Sampler, lists: GpuSource, interval: float, moved: Callable[[], None]
    ) -> None:
        self._sampler, self._lists, self._interval, self._moved = sampler, lists, interval, moved
        self._condition = threading.Condition()
        self._looks: list[float] = []
        self._looked_at = 0.0
        self._stopping = False
        self._trouble = "no sample has been taken yet"
        self._running: Running | None = None
        self._thread = threading.Thread(target=self._run, name="sample", daemon=True)

    def start(self) -> None:
        """Begins to sample."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread, if it was started, unless a driver hangs: then it is left behind."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def look_soon(self) -> None:
        """Something may be about to run on a GPU, or has just left it. From any thread."""
        now = boottime()
        with self._condition:
            self._looks = [now + delay for delay in LOOKS]
            self._condition.notify()

    def look_some_time(self) -> None:
        """Some program has started. From any thread."""
        with self._condition:
            if not self._looks:
                self._looks = [boottime() + _SOME_TIME]
                self._condition.notify()

    def runs(self, pids: Collection[int]) -> bool:
        """Whether one of these was on a GPU at the last look."""
        return bool(pids) and any(pid in pids for _, pid in self._running or ())

    @property
    def latest(self) -> Sample | None:
        """The last sample, however old."""
        return self._sampler.watch.sample

    def reading(self, oldest: float) -> GpuReading:
        """What the last sample read. GpuReadError when that was more than `oldest` seconds ago, or never."""
        sample = self.latest
        if sample is None:
            raise GpuReadError(self._trouble)
        age = boottime() - sample.boottime
        if age > oldest:
            raise GpuReadError(self._trouble or f"the driver has not answered for {age:.0f} s")
        return sample.reading

    # -------------------------------------------------------------- the thread

    def _run(self) -> None:
        due = boottime()
        while True:
            with self._condition:
                while not self._stopping and (wait := self._next(due) - boottime()) > 0:
                    self._condition.wait(wait)
                if self._stopping:
                    break
                now = boottime()
                self._looks = [at for at in self._looks if at > now]
            self._looked_at = now
            if now >= due or self._has_moved():
                self._sample()
                due = max(due + self._interval, boottime()) if now >= due else due
        self._lists.close()
        self._sampler.close()

    def _next(self, due: float) -> float:
        look = min(min(self._looks, default=due), self._looked_at + _UNHINTED)
        return min(due, max(look, self._looked_at + _SPACING))

    def _has_moved(self) -> bool:
        try:
            return _running(self._lists.read()) != self._running
        except GpuReadError:
            return False  # the next sample meets it, too

    def _sample(self) -> None:
        try:
            sample = self._sampler.take()
        except GpuReadError as error:
            self._trouble = error.message
            if self._running is not None:
                self._running = None
                self._moved()
            return
        self._trouble = ""
        running = _running(sample.reading)
        if running != self._running:
            self._running = running
            self._moved()


def _running(reading: GpuReading) -> Running:
    return frozenset((gpu.uuid, process.pid) for gpu in reading.gpus for process in gpu.processes or ())
