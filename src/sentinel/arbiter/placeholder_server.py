"""The placeholder's process: a server that answers everything with 503 and the reason. See placeholder.py.

Any method on any path is answered alike, in the format that the clients of the service read. The one
exception is Ollama's HEAD /, by which its own client asks whether anybody is there before it asks for
anything: a 503 has no body there, so that it would say "something went wrong" and never come to the reason.
A request's body is read and thrown away first: a client that is still sending would see a reset, not the
answer. Whoever is slow, sends too much or says what is no HTTP is answered as far as possible and hung up on.

When it ends it resets what is still connected, so that nothing lingers on the port: the service binds it
next.
"""

import argparse
import asyncio
import contextlib
import errno
import os
import re
import socket
import struct
import sys
import threading
import time
from concurrent.futures.thread import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from sentinel.arbiter.notice import Notice, body, notice
from sentinel.core.arbiter_client import Channel
from sentinel.core.clock import wall
from sentinel.core.errors import SentinelError

HEAD_SECONDS = 15.0  # for a request's head, and between two requests of a connection
BODY_SECONDS = 30.0
ANSWER_SECONDS = 10.0
MOST_HEAD = 64 * 1024
MOST_BODY = 256 * 1024 * 1024
MOST_CONNECTIONS = 500
STATUS_SECONDS = 1.0
LAST_SECONDS = 0.3
_BIND_AGAIN = 0.05
_RESET = struct.pack("ii", 1, 0)
_REQUEST_LINE = re.compile(rb"[!-~]{1,32} ([!-~]{1,16384}) HTTP/(1\.[01])")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r?\n", re.DOTALL)


class _Over(Exception):
    """This connection is of no use any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    method: bytes
    path: str
    keep_alive: bool
    headers: dict[bytes, bytes]


_UNREAD = _Request(method=b"GET", path="/", keep_alive=False, headers={})


@dataclass(slots=True, eq=False)
class _Client:
    """A connection. `busy` from a request's first byte of which we know to its answer's last."""

    writer: asyncio.StreamWriter
    busy: bool = False
    gone: asyncio.Event = field(default_factory=asyncio.Event)


class Placeholder:
    """Answers for one service."""

    def __init__(self, api: str, service: str, socket_path: str) -> None:
        self._api, self._service, self._socket_path = api, service, socket_path
        self._clients: set[_Client] = set()
        self._asking = asyncio.Lock()
        self._asker = ThreadPoolExecutor(1)
        self._status: dict[str, Any] | None = None
        self._asked_at = float("-inf")

    async def serve(self, host: str, port: int, over: asyncio.Event) -> None:
        """Until `over`. OSError when the address cannot be had for another reason than being in use."""
        server = None
        while server is None and not over.is_set():
            server = await self._bound(host, port)
            if server is None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), _BIND_AGAIN)
        await over.wait()
        if server:
            server.close()
        await self._hang_up()

    async def _bound(self, host: str, port: int) -> asyncio.Server | None:
        try:
            if host == "::":  # as servers mean it: IPv4, too
                both = socket.create_server((host, port), family=socket.AF_INET6, dualstack_ipv6=True)
                return await asyncio.start_server(self._welcome, sock=both, limit=MOST_HEAD)
            number = "127.0.0.1" if host == "localhost" else host  # ::1 is not there everywhere
            return await asyncio.start_server(
                self._welcome, number, port, limit=MOST_HEAD, reuse_address=True
            )
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return None

    async def _hang_up(self) -> None:
        """Lets answers under way out, then resets every connection."""
        await self._await_gone([client for client in self._clients if client.busy])
        for client in list(self._clients):
            with contextlib.suppress(OSError):
                sock = client.writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            client.writer.transport.abort()
        await self._await_gone(list(self._clients))

    async def _await_gone(self, clients: list[_Client]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                for client in clients:
                    await client.gone.wait()

    # ------------------------------------------------------------------ one connection

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _Client(writer)
        try:
            if len(self._clients) >= MOST_CONNECTIONS:
                many = Notice(message="Too many connections. Please try again later.", retry_after=30)
                await self._answer(client, _UNREAD, many, last=True)
                return
            self._clients.add(client)
            while await self._exchange(reader, client):
                client.busy = False
        except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError, ValueError, _Over):
            pass  # its own fault, or its loss
        finally:
            self._clients.discard(client)
            client.gone.set()
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, client: _Client) -> bool:
        """One request and its answer; whether there may be another."""
        async with asyncio.timeout(HEAD_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        client.busy = True
        request = _parse(head)
        if request is None:
            return await self._refuse(client)
        whole = await self._drain(reader, request)
        last = not (request.keep_alive and whole)
        given = await self._notice()
        await self._answer(client, request, given, last=last)
        if not whole:
            await self._linger(reader, client)
        return not last

    async def _drain(self, reader: asyncio.StreamReader, request: _Request) -> bool:
        """Reads the request's body; False when some of it may still come."""
        if b"expect" in request.headers:
            return False  # it waits for leave to send, and does not get it
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BODY_SECONDS):
                if b"transfer-encoding" in request.headers:
                    return await _skip_chunks(reader)
                return await _skip(reader, int(request.headers.get(b"content-length", b"0")))
        return False

    async def _linger(self, reader: asyncio.StreamReader, client: _Client) -> None:
        """Goes on reading for a moment: to hang up on what is unread would take the answer back."""
        with contextlib.suppress(TimeoutError):
            if client.writer.can_write_eof():
                client.writer.write_eof()
            async with asyncio.timeout(1.0):
                while await reader.read(65536):
                    pass

    async def _refuse(self, client: _Client) -> bool:
        text = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        client.writer.write(text)
        async with asyncio.timeout(ANSWER_SECONDS):
            await client.writer.drain()
        return False

    async def _answer(self, client: _Client, request: _Request, given: Notice, *, last: bool) -> None:
        data = body(self._api, request.path, given)
        bare = request.method == b"HEAD"
        heartbeat = bare and self._api == "ollama" and request.path == "/"
        lines = [
            "HTTP/1.1 200 OK" if heartbeat else "HTTP/1.1 503 Service Unavailable",
            f"Date: {formatdate(wall(), usegmt=True)}",
            "Content-Type: application/json",
            f"Content-Length: {len(data)}",
            f"Retry-After: {given.retry_after}",
            "Cache-Control: no-store",
            f"Connection: {'close' if last else 'keep-alive'}",
        ]
        client.writer.write("\r\n".join((*lines, "", "")).encode() + (b"" if bare else data))
        async with asyncio.timeout(ANSWER_SECONDS):
            await client.writer.drain()

    # ------------------------------------------------------------------ the arbiter's word

    async def _notice(self) -> Notice:
        async with self._asking:
            if time.monotonic() - self._asked_at >= STATUS_SECONDS:
                self._status = await asyncio.get_running_loop().run_in_executor(self._asker, self._ask)
                self._asked_at = time.monotonic()
        try:
            return notice(self._service, self._status, wall())
        except (KeyError, TypeError, AttributeError):  # an arbiter of another version
            return notice(self._service, None, wall())

    def _ask(self) -> dict[str, Any] | None:
        try:
            channel = Channel(self._socket_path, timeout=1.0)
        except SentinelError:
            return None
        try:
            return channel.ask({"cmd": "status"})["status"]
        except (SentinelError, KeyError):
            return None
        finally:
            channel.close()


def _parse(head: bytes) -> _Request | None:
    """None for what is no HTTP/1 request."""
    first, *lines = head[:-4].split(b"\r\n")
    match = _REQUEST_LINE.fullmatch(first)
    pairs = [line.partition(b":") for line in lines]
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    length = headers.get(b"content-length", b"0")
    if not match or not length.isdigit() or len(length) > 18:
        return None
    wish = headers.get(b"connection", b"").lower()
    keep_alive = b"close" not in wish if match[2] == b"1.1" else b"keep-alive" in wish
    path = match[1].decode("ascii").partition("?")[0]
    return _Request(method=first.split()[0], path=path, keep_alive=keep_alive, headers=headers)


async def _skip(reader: asyncio.StreamReader, count: int) -> bool:
    """Reads past `count` bytes; False when those are too many."""
    left = min(count, MOST_BODY)
    while left:
        data = await reader.read(min(left, 65536))
        if not data:
            raise _Over
        left -= len(data)
    return count <= MOST_BODY


async def _skip_chunks(reader: asyncio.StreamReader) -> bool:
    total = 0
    while total <= MOST_BODY:
        match = _CHUNK.fullmatch(await reader.readline())
        if not match:
            raise _Over
        size = int(match[1], 16)
        if size == 0:
            while (await reader.readline()).strip():
                pass  # trailers
            return True
        total += size
        if not await _skip(reader, size + 2):
            return False
    return False


def main(arguments: list[str] | None = None) -> int:
    """Serves until its standard input ends, which is when the arbiter says so or ends itself."""
    parser = argparse.ArgumentParser(
        prog="sentinel-placeholder", description="Answers for a service that is paused."
    )
    parser.add_argument("--listen", required=True, metavar="HOST:PORT")
    parser.add_argument("--socket", required=True, metavar="PATH")
    parser.add_argument("--service", required=True, metavar="NAME")
    parser.add_argument("--api", required=True, choices=("openai", "vllm", "ollama"))
    options = parser.parse_args(arguments)
    try:
        asyncio.run(_run(options))
    except OSError as error:
        why = error.strerror or str(error)
        print(f"placeholder of {options.service}: {options.listen}: {why}", file=sys.stderr)
        return 1
    return 0


async def _run(options: argparse.Namespace) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()

    def await_end() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 1024):
                pass
        with contextlib.suppress(RuntimeError):  # it ended first
            loop.call_soon_threadsafe(over.set)

    threading.Thread(target=await_end, daemon=True).start()
    host, _, port = options.listen.rpartition(":")
    await Placeholder(options.api, options.service, options.socket).serve(host.strip("[]"), int(port), over)


if __name__ == "__main__":
    sys.exit(main())
