"""The whole API in this process: store in memory, real hub, application, and a client that calls it as ASGI.

    with Api() as api:
        ana = api.token("ana", Role.MEMBER)
        assert api.ask("GET", "/api/v1/jobs", token=ana).status == 200

The event loop runs in a thread of its own, so tests are plain functions. `api.clock` is both clocks.
"""

import asyncio
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from argon2 import PasswordHasher

from sentinel.api.app import make_app
from sentinel.api.hub import Hub
from sentinel.api.log_store import LogStore
from sentinel.api.passwords import Passwords
from sentinel.api.state import ApiSettings, ApiState
from sentinel.core.identity import Role, Token, TokenKind, User
from sentinel.core.job import Job, JobState, Placement
from sentinel.core.node import Node, NodeGpu, NodeState
from sentinel.core.secret import new_id, new_token, sha256_of
from sentinel.drivers.histories.embedded import EmbeddedHistory
from sentinel.drivers.stores.memory import MemoryStore
from sentinel.ports.store import Store, Transaction
from sentinel.scheduling.lifecycle import Allocate, Exited, Move, Running, move
from sentinel.scheduling.writing import take_lease, write_move

SECONDS = 10.0
V1 = "/api/v1"


class Clock:
    """Epoch and boottime in one; moved by hand."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class Authority:
    """Signs nothing."""

    fingerprint = "ca" * 32
    ca_pem = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

    def issue_node(self, csr: bytes, node_id: str, *, days: float = 30) -> bytes:
        return b"signed"


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(kw_only=True)
class Exchange:
    """One request as the application sees it, and what it answered so far."""

    api: "Api"
    to_app: "asyncio.Queue[dict[str, Any]]"
    from_app: "asyncio.Queue[dict[str, Any]]"
    task: "asyncio.Task[None]"

    def hear(self, seconds: float = SECONDS) -> dict[str, Any]:
        """The next message of the application. TimeoutError when there is none."""
        return self.api.run(self._hear(seconds))

    async def _hear(self, seconds: float) -> dict[str, Any]:
        message = asyncio.ensure_future(self.from_app.get())
        await asyncio.wait([message, self.task], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not message.done() and self.from_app.empty():
            message.cancel()
            if self.task.done():
                self.task.result()
                return {"type": "over"}
            raise TimeoutError("the application says nothing")
        return await message

    def say(self, message: dict[str, Any]) -> None:
        self.api.run(self.to_app.put(message))

    def chunks(self) -> Iterator[bytes]:
        """The pieces of the body after its head was heard, to its end."""
        while True:
            message = self.hear()
            if message["type"] == "over":
                return
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                return

    def rest(self) -> tuple[bytes, bool]:
        """All that is still to come, and whether it ended as an answer does."""
        found = b""
        while (message := self.hear())["type"] != "over":
            found += message.get("body", b"")
            if not message.get("more_body"):
                return found, True
        return found, False

    def leave(self) -> None:
        """The client goes away."""
        self.say({"type": "http.disconnect"})
        self.api.run(self._over())

    async def _over(self) -> None:
        await asyncio.wait([self.task], timeout=SECONDS)
        assert self.task.done(), "the application goes on though its client left"


@dataclass
class Api:
    store: Store = field(default_factory=MemoryStore)
    clock: Clock = field(default_factory=Clock)
    settings: ApiSettings = field(default_factory=lambda: ApiSettings(keep_alive=0.2, look_again=0.1))
    logs: Path | None = None
    there: dict[str, list[dict[str, str]]] = field(default_factory=dict)  # what a test has put there

    def __enter__(self) -> Self:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.hub = Hub(self.store, now=self.clock)
        self.run(self.hub.start())
        self._folder = tempfile.TemporaryDirectory(prefix="sentinel-history-")
        self.history = EmbeddedHistory(f"{self._folder.name}/history.db", clock=self.clock)
        self.state = ApiState(
            store=self.store,
            history=self.history,
            hub=self.hub,
            logs=LogStore(self.logs) if self.logs else None,  # type: ignore[arg-type]
            authority=Authority(),
            now=self.clock,
            boottime=self.clock,
            settings=self.settings,
        )
        self.state.passwords.close()
        cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
        self.state.passwords = Passwords(boottime=self.clock, hasher=cheap)
        self.app = make_app(self.state)
        self._tokens: dict[tuple[str, Role, str], str] = {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_hub()
        self.run(self.loop.shutdown_default_executor())
        self.state.close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(SECONDS)
        self.loop.close()
        self.store.close()
        self.history.close()
        self._folder.cleanup()

    def _stop_hub(self) -> None:
        """More than once if need be: on Python 3.11 `wait_for` may swallow a cancellation."""
        for seconds in (1, 1, SECONDS):
            try:
                return self.run(self.hub.stop(), seconds)
            except TimeoutError:
                continue
        raise AssertionError("the hub does not stop")

    def run(self, work: Any, seconds: float = SECONDS + 5) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)

    def settle(self) -> None:
        """Until the mirror has seen all that is kept."""
        until = time.monotonic() + SECONDS
        with self.store.read() as reader:
            wanted = reader.revision()
        while self.hub.mirror.revision < wanted:
            assert time.monotonic() < until, "the hub does not keep up"
            time.sleep(0.001)

    # ------------------------------------------------------------------ asking

    def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        json: Any = None,
        body: bytes | None = None,
        chunks: list[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        return self.run(self._ask(method, path, token, json, body, chunks, headers))

    async def _ask(
        self,
        method: str,
        path: str,
        token: str | None,
        value: Any,
        body: bytes | None,
        chunks: list[bytes] | None,
        headers: dict[str, str] | None,
    ) -> Answer:
        if value is not None:
            body = json.dumps(value).encode()
            headers = {"content-type": "application/json", **(headers or {})}
        if body is not None:
            headers = {"content-length": str(len(body)), **(headers or {})}
        exchange = await self._open(method, path, token, headers)
        pieces = chunks if chunks is not None else [body or b""]
        for number, piece in enumerate(pieces):
            await exchange.to_app.put(
                {"type": "http.request", "body": piece, "more_body": number + 1 < len(pieces)}
            )
        await asyncio.wait_for(exchange.task, SECONDS)
        heard = [exchange.from_app.get_nowait() for _ in range(exchange.from_app.qsize())]
        start = heard[0]
        assert start["type"] == "http.response.start", heard
        return Answer(
            status=start["status"],
            headers={key.decode().lower(): value.decode("latin-1") for key, value in start["headers"]},
            body=b"".join(one.get("body", b"") for one in heard[1:]),
        )

    def open(
        self, method: str, path: str, *, token: str | None = None, headers: dict[str, str] | None = None
    ) -> Exchange:
        """A request without a body whose answer comes bit by bit."""

        async def begin() -> Exchange:
            exchange = await self._open(method, path, token, headers)
            await exchange.to_app.put({"type": "http.request", "body": b"", "more_body": False})
            return exchange

        return self.run(begin())

    def socket(
        self, path: str, *, token: str | None = None, headers: dict[str, str] | None = None
    ) -> Exchange:
        async def begin() -> Exchange:
            exchange = await self._open("WEBSOCKET", path, token, headers)
            await exchange.to_app.put({"type": "websocket.connect"})
            return exchange

        return self.run(begin())

    async def _open(
        self, method: str, path: str, token: str | None, headers: dict[str, str] | None
    ) -> Exchange:
        asked = dict(headers or {})
        if token is not None:
            asked["authorization"] = f"Bearer {token}"
        plain, _, query = path.partition("?")
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": unquote(plain),
            "raw_path": plain.encode("latin-1", "replace"),
            "root_path": "",
            "query_string": query.encode("latin-1", "replace"),
            "headers": [(key.lower().encode(), value.encode("latin-1")) for key, value in asked.items()],
            "client": ("192.0.2.1", 4711),
            "server": ("test", 443),
        }
        if method == "WEBSOCKET":
            del scope["method"]
            scope |= {
                "type": "websocket",
                "scheme": "wss",
                "subprotocols": [],
                "extensions": {"websocket.http.response": {}},
            }
        to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        task = asyncio.create_task(self.app(scope, to_app.get, from_app.put))  # type: ignore[arg-type]
        return Exchange(api=self, to_app=to_app, from_app=from_app, task=task)

    async def bridged(self, scope: Any, receive: Any, send: Any) -> None:
        """The application for whoever calls it on a loop of their own."""
        if scope["type"] == "lifespan":
            raise NotImplementedError("this application has none")
        theirs = asyncio.get_running_loop()

        async def across(work: Any) -> Any:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, theirs))

        async def serve() -> None:
            await self.app(scope, lambda: across(receive()), lambda message: across(send(message)))

        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(serve(), self.loop))

    # ------------------------------------------------------------------ what there is

    def user(self, name: str, role: Role = Role.MEMBER, tenant: str = "default") -> User:
        user = User(name=name, role=role, created_at=self.clock.at, tenant=tenant)
        self.store.write(lambda tx: tx.put_user(user))
        return user

    def token(
        self,
        name: str,
        role: Role = Role.MEMBER,
        *,
        tenant: str = "default",
        kind: TokenKind = TokenKind.API,
        expires_at: float | None = None,
    ) -> str:
        """A token of that user, who is made if need be."""
        with self.store.read() as reader:
            known = reader.user(name)
        if known is None:
            self.user(name, role, tenant)
        id = new_id()
        secret = new_token(kind, id, "ca" * 32)
        token = Token(
            id=id,
            kind=kind,
            owner=name,
            secret_sha256=sha256_of(secret),
            created_at=self.clock.at,
            tenant=tenant,
            expires_at=expires_at,
        )
        self.store.write(lambda tx: tx.put_token(token))
        return secret

    def submit(self, token: str, **fields: Any) -> dict[str, Any]:
        answer = self.ask("POST", f"{V1}/jobs", token=token, json={"command": ["true"], "cwd": "/", **fields})
        assert answer.status == 201, answer.body
        return answer.json()

    def job(self, id: str) -> Job:
        with self.store.read() as reader:
            found = reader.job(id)
        assert found is not None
        return found

    def advance(self, id: str, to: JobState) -> None:
        """The job on node n1, as far as `to`, through the table of moves."""
        job = self.job(id)
        placement = Placement(node="id-n1", gpus=("GPU-n1-0",), token=f"t-{id}")
        steps = {
            JobState.QUEUED: Allocate(placement=placement, node_name="n1"),
            JobState.ALLOCATED: Running(token=placement.token, started_at=self.clock.at),
            JobState.RUNNING: Exited(token=placement.token, exit_code=0, signal=None),
        }
        while job.state is not to:
            made = move(job, steps[job.state], self.clock.at)
            assert made is not None
            taken = job.state is JobState.QUEUED

            def keep(tx: Transaction, made: Move = made, taken: bool = taken) -> None:
                job = write_move(tx, made, "/nodes/n1", self.clock.at)
                if taken:
                    take_lease(tx, job, self.clock.at)

            self.store.write(keep)
            job = made.job

    def node(self, name: str = "n1", *, gpus: int = 2, tenant: str = "default", **fields: Any) -> Node:
        node = Node(
            id=f"id-{name}",
            name=name,
            joined_at=self.clock.at,
            tenant=tenant,
            state=fields.pop("state", NodeState.UP),
            gpus=tuple(
                NodeGpu(uuid=f"GPU-{name}-{i}", index=i, model="Sim", memory_total_bytes=1 << 34)
                for i in range(gpus)
            ),
            **fields,
        )
        self.store.write(lambda tx: tx.put_node(node))
        return node
