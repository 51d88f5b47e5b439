"""What the API's routes work with: the store, the hub, logs, clocks and settings.

The server makes one `ApiState` and hands it to `make_app`; tests make one with a store in memory. Reads of
the store block, so `read` runs them on a few threads; writes go to the store's own thread, and are awaited.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from sentinel import __version__
from sentinel.api.auth import Gate
from sentinel.api.dashboard_files import Dashboard
from sentinel.api.dashboard_place import dashboard_folder
from sentinel.api.explainer import Explainer
from sentinel.api.fleet_stream import FleetFeeds
from sentinel.api.passwords import Passwords
from sentinel.core.clock import boottime, wall
from sentinel.ports.history import History
from sentinel.ports.notifier import Channel, Message, NotifyError
from sentinel.ports.store import Reader, Store, Transaction
from sentinel.scheduling.explain import Reasons
from sentinel.scheduling.leases import Terms

if TYPE_CHECKING:
    from sentinel.api.hub import Hub
    from sentinel.api.log_store import LogStore

T = TypeVar("T")


def _nobody(_channel: Channel, _message: Message, _key: str) -> None:
    raise NotifyError("this process sends no messages", retry=False)


class Authority(Protocol):
    """Who signs the certificates of nodes (drivers.certificates.authority)."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the authority's certificate, in hex."""
        ...

    @property
    def ca_pem(self) -> bytes: ...

    def issue_node(self, csr: bytes, node_id: str, *, days: float = 30) -> bytes:
        """A certificate for that node. UsageError when the request is none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """Durations are seconds."""

    version: str = __version__
    session: float = 12 * 3600
    api_token: float = 90 * 86400
    join_token: float = 86400
    keep_alive: float = 15  # between comments on a silent stream of events
    look_again: float = 5  # how often whoever follows is asked again whether they still may
    readers: int = 4  # threads that read the store
    historians: int = 2  # threads that read the history
    terms: Terms = field(default_factory=Terms)  # what nodes are told of leases
    fleet_every: float = 1.0  # between two looks at the fleet for those who follow it
    dashboard: Path = field(default_factory=dashboard_folder)


@dataclass(slots=True, kw_only=True)
class ApiState:
    """`now` is epoch seconds, for showing and for the ends of tokens; `boottime` measures."""

    store: Store
    history: History
    hub: "Hub"
    logs: "LogStore"
    authority: Authority
    notify: Callable[[Channel, Message, str], None] = _nobody  # blocks
    now: Callable[[], float] = wall
    boottime: Callable[[], float] = boottime
    settings: ApiSettings = field(default_factory=ApiSettings)
    gate: Gate = field(init=False)
    passwords: Passwords = field(init=False)
    dashboard: Dashboard = field(init=False)
    fleet: FleetFeeds = field(init=False)
    explainer: Explainer = field(init=False)
    reasons: tuple[object, Reasons] | None = field(init=False, default=None)  # see api.reasons
    _readers: ThreadPoolExecutor = field(init=False)
    _historians: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._readers = ThreadPoolExecutor(self.settings.readers, thread_name_prefix="api-read")
        self._historians = ThreadPoolExecutor(self.settings.historians, thread_name_prefix="api-history")
        self.gate = Gate(self.store, self._readers, now=self.now, boottime=self.boottime)
        self.passwords = Passwords(boottime=self.boottime)
        self.dashboard = Dashboard(self.settings.dashboard)
        self.fleet = FleetFeeds(self)
        self.explainer = Explainer(self)

    async def read(self, work: Callable[[Reader], T]) -> T:
        """What `work` finds in one consistent view of the store."""

        def look() -> T:
            with self.store.read() as reader:
                return work(reader)

        return await self.run(look)

    async def run(self, work: Callable[[], T]) -> T:
        """`work`, which may block for a moment, on one of the reading threads."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    async def look_back(self, work: Callable[[History], T]) -> T:
        """What `work` finds in the history, which may take a moment. HistoryUnavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._historians, work, self.history)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """What `work` returned, once what it wrote is durable."""
        return await asyncio.wrap_future(self.store.submit(work))

    def close(self) -> None:
        """Lets its threads go. Store and history are their owner's to close."""
        self._readers.shutdown(wait=False, cancel_futures=True)
        self._historians.shutdown(wait=False, cancel_futures=True)
        self.passwords.close()
