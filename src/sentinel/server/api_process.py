"""The API process: the application under uvicorn, on a socket of the parent's. Started by the parent.

    api --data-dir DIR --listen-fd N --ready-fd M [--lease-seconds S] [--config FILE]
                                                        the database's URL is in $SENTINEL_DATABASE

The socket is the parent's, so that those who call while this process is started again wait instead of being
refused.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import uvicorn
import uvloop
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from sentinel.api.app import make_app
from sentinel.api.hub import Hub
from sentinel.api.log_store import LogStore
from sentinel.api.state import ApiSettings, ApiState
from sentinel.core.bell import Bell
from sentinel.core.errors import SentinelError
from sentinel.scheduling.leases import LEASE_SECONDS, terms_for
from sentinel.server import wiring
from sentinel.server.collector import collect_seldom
from sentinel.server.config import DATABASE_VARIABLE
from sentinel.server.folders import Folders
from sentinel.server.observing import observing
from sentinel.server.tls_protocol import NodeProtocol

KEEP_ALIVE = 75  # seconds: agents beat every ten, and a TLS handshake costs more than a beat
STOP_SECONDS, FLUSH_SECONDS = 2.0, 0.3
MOST_FRAME = 1 << 20


class Server(uvicorn.Server):
    """uvicorn, but for three things: signals are ours, it says when it is ready, and it ends quickly."""

    def __init__(self, config: uvicorn.Config, hub: Hub, ready_fd: int) -> None:
        super().__init__(config)
        self._hub, self._ready_fd = hub, ready_fd

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        self.should_exit = True
        self._hub.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._ready_fd >= 0:
            with contextlib.suppress(OSError):
                os.write(self._ready_fd, b"ready\n")
            os.close(self._ready_fd)
            self._ready_fd = -1

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answers are finished; who holds a connection open without asking anything is not waited for."""
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        await _until(lambda: not state.tasks, STOP_SECONDS)
        for task in list(state.tasks):
            task.cancel()
        await _until(lambda: not state.connections, FLUSH_SECONDS)  # the last answers are on their way
        for connection in list(state.connections):
            connection.transport.abort()
        await self.lifespan.shutdown()


async def _until(what: Callable[[], bool], seconds: float) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while not what() and loop.time() < until:
        await asyncio.sleep(0.01)


def main(arguments: list[str] | None = None) -> int:
    """Until SIGTERM. Exit 1: it cannot be done; the parent tries again."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="sentinel-api: %(levelname)s: %(message)s", level=logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    folders = Folders(root=Path(options.data_dir))
    try:
        settings = ApiSettings(terms=terms_for(options.lease_seconds))
        collect_seldom()
        uvloop.run(_serve(folders, options, settings))
    except SentinelError as error:
        print(f"sentinel-api: {error.message}", file=sys.stderr)
        return error.exit_code
    return 0


def _is_news(record: logging.LogRecord) -> bool:
    """Streams are cut short on purpose when the API ends, so that their readers take them up again."""
    return "without completing response" not in str(record.msg)


async def _serve(folders: Folders, options: argparse.Namespace, settings: ApiSettings) -> None:
    authority = wiring.authority(folders.pki)
    history = wiring.open_history(observing(options.config).history, folders)
    store = wiring.open_queue(os.environ.get(DATABASE_VARIABLE) or folders.database_url(), migrate=False)
    bell = Bell(folders.bells)
    try:
        store.on_commit(bell.ring)
        hub = Hub(store, bell=bell)
        async with hub.running():
            logs = LogStore(folders.logs)
            state = ApiState(
                store=store,
                history=history,
                hub=hub,
                logs=logs,
                authority=authority,
                settings=settings,
                notify=wiring.notify,
            )
            server = Server(_config(make_app(state), folders), hub, options.ready_fd)
            try:
                await server.serve(sockets=[socket.socket(fileno=options.listen_fd)])
            finally:
                state.close()
    finally:
        store.close()
        history.close()
        bell.close()


def _config(app: object, folders: Folders) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=NodeProtocol,
        ws=WebSocketsSansIOProtocol,
        ws_max_size=MOST_FRAME,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # who is asking is said by the connection alone
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        ssl_context_factory=lambda _config, _default: tls_context(folders.pki),
    )


def tls_context(pki: Path) -> ssl.SSLContext:
    """The server's side: certificates of nodes are welcome, and only ours count."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pki / "server.pem", pki / "server.key")
    context.load_verify_locations(pki / "ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sentinel-api")
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--listen-fd", type=int, required=True)
    parser.add_argument("--ready-fd", type=int, default=-1)
    parser.add_argument("--lease-seconds", type=float, default=LEASE_SECONDS)
    parser.add_argument("--config")
    return parser


if __name__ == "__main__":
    sys.exit(main())
