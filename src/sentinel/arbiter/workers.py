"""Threads that do what may block: reading the GPUs, and moving services. They only enqueue results.

nvidia-smi, NVML and systemctl can each hang for minutes on a sick machine; the daemon's loop must
not. One thread reads; each service has one that moves it.
"""

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sentinel.arbiter.attribution import Attribution
from sentinel.arbiter.inputs import Input, Looked, Measured, RestoreDone, RungDone, Unmeasured
from sentinel.core.clock import boottime
from sentinel.core.errors import SentinelError
from sentinel.core.gpu import GpuReading
from sentinel.core.service import Rung, Sight, Unseen, Up
from sentinel.ports.gpus import GpuSource
from sentinel.ports.services import ServiceDriver

Post = Callable[[Input], None]


class Reader:
    """Reads the GPUs when asked. At most one reading at a time; asking again meanwhile asks once."""

    def __init__(
        self,
        source: Callable[[], GpuSource],
        drivers: Callable[[], Mapping[str, ServiceDriver]],
        attribution: Callable[[], Attribution],
        post: Post,
    ) -> None:
        self._open = source
        self._drivers = drivers
        self._attribution = attribution
        self._post = post
        self._wanted = threading.Event()
        self._source: GpuSource | None = None
        self.kind = ""
        """The driver that made the last reading, as it calls itself."""
        self.began: float | None = None
        """When the reading under way was begun; None between readings."""
        threading.Thread(target=self._run, name="gpu-reader", daemon=True).start()

    def ask(self) -> None:
        self._wanted.set()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            self.began = began = boottime()
            try:
                self._read(began)
            except SentinelError as error:
                self._post(Unmeasured(began=began, why=error.message))
            except Exception as error:  # noqa: BLE001 - a driver's bug is a reading that failed
                self._post(Unmeasured(began=began, why=f"{type(error).__name__}: {error}"))
            self.began = None

    def _read(self, began: float) -> None:
        # Looks first, so that what a service does is seen even while the GPUs cannot be read.
        pids = self._look(began, post=True)
        if self._source is None:
            self._source = self._open()
        reading = self._source.read()
        self.kind = reading.source
        attribution = self._attribution()
        if attribution.stranger_listed(reading, pids):
            # It may be a service's child that is younger than the first look.
            again = self._look(began, post=False)
            pids = {name: pids[name] | again.get(name, frozenset()) for name in pids}
        self._measured(began, reading, attribution, pids)

    def _measured(
        self,
        began: float,
        reading: GpuReading,
        attribution: Attribution,
        pids: Mapping[str, frozenset[int]],
    ) -> None:
        if not reading.gpus:
            self._post(Unmeasured(began=began, why=f"{reading.source} finds no GPU"))
            return
        self._post(Measured(began=began, samples=attribution.samples(reading, pids)))

    def _look(self, began: float, *, post: bool) -> dict[str, frozenset[int]]:
        pids: dict[str, frozenset[int]] = {}
        for name, driver in self._drivers().items():
            sight = look(driver)
            pids[name] = sight.pids if isinstance(sight, Up) else frozenset()
            if post:
                self._post(Looked(service=name, began=began, sight=sight))
        return pids


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evict:
    rung: Rung
    enough_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Restore:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    pass


class Mover:
    """Moves one service. Orders are carried out one after the other, in the order they came.

    Whoever stands in for the service while it is stopped leaves before it is started: both want the
    same port.
    """

    def __init__(self, name: str, driver: ServiceDriver, post: Post) -> None:
        self._name = name
        self._driver = driver
        self._post = post
        self._orders: queue.SimpleQueue[_Evict | _Restore | _Part] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._end_stand_in: Callable[[], None] | None = None
        threading.Thread(target=self._run, name=f"service-{name}", daemon=True).start()

    def evict(self, rung: Rung, enough_bytes: int | None) -> None:
        self._orders.put(_Evict(rung=rung, enough_bytes=enough_bytes))

    def restore(self) -> None:
        self._orders.put(_Restore())

    def part(self) -> None:
        """The service is in no config any more: ends it, and this thread."""
        self._orders.put(_Part())

    def stand_in(self, start: Callable[[], Callable[[], None]]) -> None:
        """Has somebody answer in the service's place, if nobody does yet. Never blocks: while the
        thread is busy ending the last one there is nothing to do."""
        if self._lock.acquire(blocking=False):
            try:
                if self._end_stand_in is None:
                    self._end_stand_in = start()
            finally:
                self._lock.release()

    def end_stand_in(self) -> None:
        """Returns when the service's port is free again."""
        with self._lock:
            end, self._end_stand_in = self._end_stand_in, None
            if end:
                end()

    def _run(self) -> None:
        while True:
            order = self._orders.get()
            if isinstance(order, _Part):
                self.end_stand_in()
                self._driver.close()
                return
            error = self._carry_out(order)
            ended = boottime()
            if isinstance(order, _Restore):
                self._post(RestoreDone(service=self._name, at=ended, error=error))
            else:
                self._post(RungDone(service=self._name, rung=order.rung, at=ended, error=error))
            self._post(Looked(service=self._name, began=boottime(), sight=look(self._driver)))

    def _carry_out(self, order: _Evict | _Restore) -> str | None:
        try:
            if isinstance(order, _Restore):
                self.end_stand_in()
                self._driver.restore()
            else:
                self._driver.evict(order.rung, order.enough_bytes)
        except SentinelError as error:
            return error.message
        except Exception as error:  # noqa: BLE001 - a driver's bug must not lose the service
            return f"{type(error).__name__}: {error}"
        return None


def look(driver: ServiceDriver) -> Sight:
    try:
        return driver.look()
    except Exception as error:  # noqa: BLE001 - the port promises not to raise; a bug is Unseen
        return Unseen(why=f"{type(error).__name__}: {error}")
