"""Asking this machine's arbiter for a job's GPUs, without waiting. Called by `launches`.

The lease is the job's own: the process that connects is the forked child that becomes the job's leader, as
the job's user. So it ends with the job's processes, whatever becomes of the supervisor, and an admin who
evicts it ends that job alone. Speaks the protocol of core.codec.
"""

import shlex
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from sentinel.core.codec import MAX_REPLY, LineReader, decode, encode
from sentinel.core.errors import ProtocolError
from sentinel.supervisor.wire import Launch

PATIENCE = 120.0
"""Seconds to queue at the arbiter, before the job goes back to the queue of the controller."""


@dataclass(frozen=True, slots=True)
class Waits:
    why: str


@dataclass(frozen=True, slots=True)
class Granted:
    """`devices`: UUIDs for CUDA."""

    lease: str
    devices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class No:
    why: str


Word = Waits | Granted | No


class Asking:
    """One request. `hear` is called with every word of the arbiter; Granted or No is the last."""

    def __init__(self, sock: socket.socket, launch: Launch, hear: Callable[[Word], None]) -> None:
        self._sock, self._hear = sock, hear
        self._reader = LineReader(MAX_REPLY)
        sock.setblocking(False)
        try:
            sock.send(encode(_claim(launch)))
        except OSError as error:
            self.fault = f"the arbiter does not answer: {error.strerror}"
        else:
            self.fault = ""

    def ready(self, _mask: int) -> None:
        """The selector says that there is something."""
        try:
            data = self._sock.recv(65536)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._hear(No("the arbiter went away before it answered"))
            return
        try:
            self._reader.feed(data)
            while (text := self._reader.next_line()) is not None:
                word = word_from(decode(text))
                self._hear(word)
                if not isinstance(word, Waits):
                    return
        except ProtocolError as error:
            self._hear(No(f"the arbiter cannot be understood: {error.message}"))


def _claim(launch: Launch) -> dict[str, Any]:
    return {
        "v": 1,
        "cmd": "acquire",
        "sharing": "exclusive",
        "gpu_ids": list(launch.gpus),
        "binding": "tree",
        "holder": f"job {launch.job}",
        "command": shlex.join(launch.spec.command)[:200],
        "wait_seconds": PATIENCE,
    }


def word_from(raw: dict[str, Any]) -> Word:
    """What the arbiter said. ProtocolError when that is nothing it could say."""
    event = raw.get("event")
    if event == "waiting":
        return Waits(f"the arbiter of this node: {raw.get('why')}")
    if event == "refused":
        return No(f"the arbiter of this node refused: {raw.get('message')}")
    if raw.get("ok") is False:
        return No(f"the arbiter of this node refused: {raw.get('error')}")
    gpus, lease = raw.get("gpus"), raw.get("lease")
    if event != "granted" or not isinstance(lease, str) or not isinstance(gpus, list):
        raise ProtocolError(f"{str(raw)[:120]} is no answer to acquire")
    devices: list[Any] = []
    for gpu in cast("list[Any]", gpus):
        if not isinstance(gpu, dict):
            raise ProtocolError("a GPU is an object")
        found = cast("dict[str, Any]", gpu)
        devices += found.get("devices") or [found.get("uuid")]
    if not all(isinstance(device, str) for device in devices):
        raise ProtocolError("a device is a UUID")
    return Granted(lease, tuple(devices))
