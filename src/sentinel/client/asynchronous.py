"""`AsyncClient`: the same calls as `client.sync.Client`, to be awaited. For programs with an event loop.

    from sentinel.client import AsyncClient

    async with AsyncClient() as client:
        job = await client.submit(["python", "train.py"], gpus=2)
        async for piece in client.logs(job["id"], follow=True): ...
        print((await client.wait(job["id"]))[0]["exit_code"])

It runs the calls of a Client on a few threads of its own, `concurrency` at a time: a call is short, and all
that is to be known about connections is known in one place. Whatever is followed or waited for has a thread
beside those, and a connection, for as long as that lasts; leaving it (or being cancelled) ends both.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial, wraps
from threading import Event, Semaphore, Thread
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from sentinel.client.sync import Client, Json

P = ParamSpec("P")
R = TypeVar("R")

_AHEAD = 64  # pieces of a stream that are read before anybody takes them


def _awaited(
    call: Callable[Concatenate[Client, P], R],
) -> Callable[Concatenate["AsyncClient", P], Coroutine[Any, Any, R]]:
    """`call` as a method of AsyncClient."""

    @wraps(call)
    async def asked(self: "AsyncClient", *args: P.args, **kwargs: P.kwargs) -> R:
        return await self.run(partial(call, self.client, *args, **kwargs))

    return asked


class AsyncClient:
    """Arguments as those of Client; `concurrency`: how many calls are under way at a time."""

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        ca: str | None = None,
        timeout: float = 30.0,
        patience: float = 60.0,
        concurrency: int = 16,
    ) -> None:
        self.client = Client(url, token=token, ca=ca, timeout=timeout, patience=patience)
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="sentinel-client")

    async def close(self) -> None:
        """Lets go of connections and threads. Idempotent."""
        self.client.close()
        self._threads.shutdown(wait=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    login = _awaited(Client.login)
    whoami = _awaited(Client.whoami)
    version = _awaited(Client.version)
    health = _awaited(Client.health)
    users = _awaited(Client.users)
    add_user = _awaited(Client.add_user)
    set_user = _awaited(Client.set_user)
    remove_user = _awaited(Client.remove_user)
    tokens = _awaited(Client.tokens)
    create_token = _awaited(Client.create_token)
    create_session_code = _awaited(Client.create_session_code)
    revoke_token = _awaited(Client.revoke_token)
    submit = _awaited(Client.submit)
    jobs = _awaited(Client.jobs)
    find = _awaited(Client.find)
    job = _awaited(Client.job)
    cancel = _awaited(Client.cancel)
    retry = _awaited(Client.retry)
    why = _awaited(Client.why)
    environment = _awaited(Client.environment)
    job_events = _awaited(Client.job_events)
    nodes = _awaited(Client.nodes)
    node = _awaited(Client.node)
    node_arbiter = _awaited(Client.node_arbiter)
    drain = _awaited(Client.drain)
    resume = _awaited(Client.resume)
    declare_dead = _awaited(Client.declare_dead)
    remove_node = _awaited(Client.remove_node)
    gpus = _awaited(Client.gpus)
    workloads = _awaited(Client.workloads)
    leases = _awaited(Client.leases)
    resume_queue = _awaited(Client.resume_queue)
    past_events = _awaited(Client.past_events)
    accounts = _awaited(Client.accounts)
    account = _awaited(Client.account)
    put_account = _awaited(Client.put_account)
    remove_account = _awaited(Client.remove_account)
    usage = _awaited(Client.usage)
    reservations = _awaited(Client.reservations)
    reservation = _awaited(Client.reservation)
    add_reservation = _awaited(Client.add_reservation)
    remove_reservation = _awaited(Client.remove_reservation)
    alerts = _awaited(Client.alerts)
    alert_watch = _awaited(Client.alert_watch)
    alert = _awaited(Client.alert)
    ack_alert = _awaited(Client.ack_alert)
    unack_alert = _awaited(Client.unack_alert)
    alert_rules = _awaited(Client.alert_rules)
    alert_rule = _awaited(Client.alert_rule)
    put_alert_rule = _awaited(Client.put_alert_rule)
    remove_alert_rule = _awaited(Client.remove_alert_rule)
    preview_alert_rule = _awaited(Client.preview_alert_rule)
    silences = _awaited(Client.silences)
    silence = _awaited(Client.silence)
    add_silence = _awaited(Client.add_silence)
    end_silence = _awaited(Client.end_silence)
    channels = _awaited(Client.channels)
    channel = _awaited(Client.channel)
    put_channel = _awaited(Client.put_channel)
    remove_channel = _awaited(Client.remove_channel)
    test_channel = _awaited(Client.test_channel)
    alert_routes = _awaited(Client.alert_routes)
    put_alert_routes = _awaited(Client.put_alert_routes)
    deliveries = _awaited(Client.deliveries)
    history = _awaited(Client.history)
    history_metrics = _awaited(Client.history_metrics)
    usage_report = _awaited(Client.usage_report)

    def logs(
        self,
        id: str,
        *,
        attempt: int | None = None,
        rank: int | None = None,
        offset: int | None = None,
        tail: int | None = None,
        follow: bool = False,
    ) -> AsyncGenerator[bytes]:
        """As Client.logs."""
        return self._stream(
            lambda client: client.logs(
                id, attempt=attempt, rank=rank, offset=offset, tail=tail, follow=follow
            )
        )

    def events(
        self, *, after: int | None = None, types: Sequence[str] = (), subject: str | None = None
    ) -> AsyncGenerator[Json]:
        """As Client.events."""
        return self._stream(lambda client: client.events(after=after, types=types, subject=subject))

    async def wait(self, *ids: str, timeout: float | None = None) -> list[Json]:
        """As Client.wait."""
        waiting = self._stream(lambda client: iter([client.wait(*ids, timeout=timeout)]))
        try:
            return await anext(waiting)
        finally:
            await waiting.aclose()

    async def until(self, id: str, fits: Callable[[Json], bool]) -> Json:
        """As Client.until; `fits` is called on another thread."""
        waiting = self._stream(lambda client: iter([client.until(id, fits)]))
        try:
            return await anext(waiting)
        finally:
            await waiting.aclose()

    async def run(self, call: Callable[[], R]) -> R:
        """`call` on one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def _stream(self, opened: Callable[[Client], Iterator[R]]) -> AsyncGenerator[R]:
        """What `opened` iterates over, on a thread and connections of its own."""
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[tuple[R] | BaseException | None] = asyncio.Queue()
        room, left = Semaphore(_AHEAD), Event()
        twin = self.client.twin()

        def put(piece: tuple[R] | BaseException | None) -> None:
            with suppress(RuntimeError):  # the loop was closed: nobody is there to hear of it
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        def pump() -> None:
            try:
                for piece in opened(twin):
                    put((piece,))
                    room.acquire()
                    if left.is_set():
                        return
            except BaseException as error:  # noqa: BLE001 - it is raised where the pieces are taken
                put(error)
            else:
                put(None)

        Thread(target=pump, name="sentinel-stream", daemon=True).start()
        try:
            while (piece := await pieces.get()) is not None:
                if isinstance(piece, BaseException):
                    raise piece
                room.release()
                yield piece[0]
        finally:
            left.set()
            room.release()
            twin.close()  # what waits for the controller in that thread raises
