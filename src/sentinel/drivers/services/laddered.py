"""An inference service with gentler rungs than STOP. The arbiter's wiring makes one where `evict` has such.

It wraps the driver that starts and stops the service (systemd, process) and adds what the service's API
and cuda-checkpoint can do:

    DRAIN     waits until no request is in flight, `drain_seconds` at most; time running out is no error,
              as the next rung follows. New requests still come in: a busy service never drains
    UNLOAD    Ollama only: models leave the GPU, as many as needed (see ollama.py)
    SLEEP     vLLM only: weights leave the GPU, a context remains (see vllm.py)
    SUSPEND   every process with a CUDA context leaves the GPU whole (see checkpoint.py)
    STOP      the base driver's. A suspended service is stopped as it is: its processes still get signals,
              those that hang in a CUDA call are killed after the base's `stop_timeout`, and a process that
              is killed while suspended cannot take the GPU down with it

`restore` goes the way back: start it if it is down; else resume, then wake. What will not come back is
restarted, as neither a half-woken nor a half-resumed server ever recovers. Models that were unloaded are
loaded again with what was left of their keep-alive; a server that is up and has not loaded one is up, so
that failing is only reported.

What was done is remembered here, and asked again from vLLM and cuda-checkpoint by an arbiter that was
restarted. Which models were unloaded is then forgotten: they load at their next request.
"""

import sys
import time
from collections.abc import Callable

from sentinel.core.errors import ServiceError, UsageError
from sentinel.core.service import RUNGS_BY_API, Down, Rung, Sight, Unseen, Up
from sentinel.core.units import show_duration
from sentinel.drivers.services.checkpoint import CudaCheckpoint, NoCheckpoint
from sentinel.drivers.services.connections import requests_in_flight
from sentinel.drivers.services.loopback import Loopback, Unreachable
from sentinel.drivers.services.ollama import LoadedModel, OllamaApi, fewest_that_free
from sentinel.drivers.services.vllm import VllmApi
from sentinel.ports.services import ServiceDriver

_POLL = 0.1
_RELOAD_SECONDS = 30.0  # for all models together: meanwhile the service cannot be evicted again


def to_journal(line: str) -> None:
    """Where the arbiter's own lines go."""
    print(line, file=sys.stderr, flush=True)


class LadderedService:
    """A ServiceDriver around another. See the port for what each call promises."""

    def __init__(
        self,
        base: ServiceDriver,
        *,
        name: str,
        api: str | None = None,
        url: str | None = None,
        drain_seconds: float = 30.0,
        sleep_level: int = 1,
        checkpoint_path: str | None = None,
        evict_timeout: float = 60.0,
        start_timeout: float = 120.0,
        report: Callable[[str], None] = to_journal,
    ) -> None:
        """`api` "ollama", "vllm", "openai" or None; all but None need the `url` on this machine.

        `checkpoint_path` is cuda-checkpoint as it is run, None for no SUSPEND. `evict_timeout` bounds each
        gentle rung but DRAIN, `start_timeout` the waking; in seconds. `report` gets what is worth a line in
        the journal and is no error. Raises UsageError.
        """
        if api not in RUNGS_BY_API or (api is not None and url is None):
            raise UsageError(f"service {name}: api {api!r} with url {url!r} cannot be spoken to")
        if sleep_level not in (1, 2):
            raise UsageError(f"service {name}: vLLM sleeps at level 1 or 2, not {sleep_level}")
        address = Loopback.of(url) if url else None
        self._base, self._name, self._report = base, name, report
        self._port = address.port if address else None
        self._ollama = OllamaApi(address) if api == "ollama" and address else None
        self._vllm = VllmApi(address) if api == "vllm" and address else None
        self._checkpoint = CudaCheckpoint(checkpoint_path) if checkpoint_path else None
        self._drain_seconds, self._sleep_level = drain_seconds, sleep_level
        self._evict_timeout, self._start_timeout = evict_timeout, start_timeout
        able = RUNGS_BY_API[api]
        self.rungs: tuple[Rung, ...] = tuple(r for r in able if r is not Rung.SUSPEND or checkpoint_path)
        # What is to be undone. None: an earlier arbiter may have done it.
        self._suspended: bool | None = None
        self._level_asleep: int | None = None  # 0: awake
        self._unloaded: dict[str, LoadedModel] = {}

    def look(self) -> Sight:
        """As the base driver sees it: a service that sleeps or is suspended is Up."""
        return self._base.look()

    def evict(self, rung: Rung, enough_bytes: int | None = None) -> None:
        """Takes one rung. All but STOP leave a service that is down as it is."""
        if rung not in self.rungs:
            able = ", ".join(self.rungs)
            raise ServiceError(f"{self._name}: cannot be made to {rung.value}; it can: {able}")
        if rung is Rung.STOP:
            self._base.evict(rung)
            self._suspended, self._level_asleep = False, 0
            return
        sight = self._base.look()
        if isinstance(sight, Down):
            return
        try:
            self._take(rung, self._pids(sight), enough_bytes)
        except ServiceError as error:
            raise ServiceError(f"{self._name}: {rung.value}: {error.message}") from error

    def restore(self) -> None:
        """Starts it if it is down, else undoes the rungs taken, last first. Restarts what will not."""
        sight = self._base.look()
        if isinstance(sight, Down):
            self._base.restore()
            self._suspended, self._level_asleep = False, 0
        else:
            pids = self._pids(sight)
            try:
                self._resume(pids)
                self._wake()
            except ServiceError as error:
                self._report(f"service {self._name} is restarted: {error.message}")
                self.evict(Rung.STOP)
            self._base.restore()  # of what runs: nothing
        self._reload()

    def close(self) -> None:
        """Closes the base driver; what systemd runs stays, asleep if it was."""
        self._base.close()

    # ------------------------------------------------------------------ down the ladder

    def _pids(self, sight: Sight) -> frozenset[int]:
        match sight:
            case Up(pids=pids):
                return pids
            case Down(why=why) | Unseen(why=why):
                raise ServiceError(f"{self._name}: its processes cannot be seen: {why}")

    def _take(self, rung: Rung, pids: frozenset[int], enough_bytes: int | None) -> None:
        match rung:
            case Rung.DRAIN:
                self._drain()
            case Rung.UNLOAD:
                assert self._ollama
                chosen = fewest_that_free(self._ollama.loaded(), enough_bytes)
                self._unloaded |= {model.name: model for model in chosen}
                self._ollama.unload(chosen, self._evict_timeout)
            case Rung.SLEEP:
                assert self._vllm
                self._sleep(self._vllm)
            case _:
                assert self._checkpoint
                self._suspended = None  # until it is known how it went
                self._checkpoint.suspend(pids, self._evict_timeout)
                self._suspended = True

    def _drain(self) -> None:
        deadline = time.monotonic() + self._drain_seconds
        while in_flight := self._in_flight():
            if time.monotonic() >= deadline:
                waited = show_duration(self._drain_seconds)
                self._report(f"service {self._name} is not drained: {in_flight} in flight after {waited}")
                return
            time.sleep(_POLL)

    def _in_flight(self) -> int:
        assert self._port
        try:
            counted = self._vllm.requests_in_flight() if self._vllm else None
        except Unreachable:
            return 0
        return requests_in_flight(self._port) if counted is None else counted

    def _sleep(self, vllm: VllmApi) -> None:
        # Should it fail half way: the level it may have got to decides how it is woken.
        if not vllm.is_sleeping():
            self._level_asleep = self._sleep_level
        vllm.sleep(self._sleep_level, self._evict_timeout)

    # ------------------------------------------------------------------ and up again

    def _resume(self, pids: frozenset[int]) -> None:
        if self._checkpoint is None or self._suspended is False:
            return
        try:
            self._checkpoint.resume(pids, self._start_timeout)
        except NoCheckpoint:
            if self._suspended:
                raise
        self._suspended = False

    def _wake(self) -> None:
        if self._vllm is None or self._level_asleep == 0:
            return
        try:
            asleep = self._vllm.is_sleeping()
        except ServiceError:
            if self._level_asleep is None:
                return  # it may be starting; nothing says that it sleeps
            raise
        if asleep:
            # An earlier arbiter may have had another level in its config: reading weights again never hurts.
            self._vllm.wake(reload_weights=self._level_asleep != 1, seconds=self._start_timeout)
        self._level_asleep = 0

    def _reload(self) -> None:
        """Loads what was unloaded. Best effort: whoever needs the model loads it."""
        if self._ollama is None:
            return
        deadline = time.monotonic() + _RELOAD_SECONDS
        for model in list(self._unloaded.values()):
            try:
                self._load(self._ollama, model, deadline)
            except ServiceError as error:
                self._report(f"service {self._name} is up, but {model.name} is not loaded: {error.message}")
        self._unloaded.clear()

    def _load(self, ollama: OllamaApi, model: LoadedModel, deadline: float) -> None:
        while True:
            try:
                return ollama.load(model, max(0.1, deadline - time.monotonic()))
            except Unreachable:  # it has just been started
                if time.monotonic() >= deadline or isinstance(self._base.look(), Down):
                    raise
            time.sleep(_POLL)
