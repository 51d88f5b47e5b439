"""`with sentinel.gpu():` for programs that want the GPU for a part of their run only."""

import contextlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sentinel.arbiter.request import environment
from sentinel.core.arbiter_client import Channel, acquire
from sentinel.core.codec import LEASE_VARIABLE
from sentinel.core.errors import ArbiterUnavailable, ProtocolError, Refused
from sentinel.core.units import parse_size

_CHANGED = (LEASE_VARIABLE, "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a `with sentinel.gpu()` block has: the lease's id, and its GPUs by index and UUID."""

    lease: str
    indices: tuple[int, ...]
    uuids: tuple[str, ...]


@contextmanager
def gpu(
    count: int | None = None,
    *,
    gpu_ids: tuple[str, ...] | None = None,
    memory: str | int | None = None,
    timeout: float | None = None,
    name: str = "",
    set_environment: bool = True,
) -> Generator[Held, None, None]:
    """Holds GPUs for the block: all of them shared, or `count` / `gpu_ids` whole ones, or a share of
    one by `memory` (bytes, or text like "20GiB"). Waits for its turn, at most `timeout` seconds.

    CUDA reads CUDA_VISIBLE_DEVICES when it is first used, so enter the block before that; it is set
    for the block unless `set_environment` is False. Memory that a framework keeps after the block is
    seen by the watchdog: inference comes back when it is let go, or when the process ends.

    Raises Refused (it says who holds what), ArbiterUnavailable, UsageError for a bad size.
    """
    channel, answer = acquire(_message(count, gpu_ids, memory, timeout, name))
    if answer["event"] == "refused":
        channel.close()
        raise Refused(str(answer.get("message", "refused")))
    before = {key: os.environ.get(key) for key in _CHANGED}
    owner = os.getpid()
    if set_environment:
        os.environ.update(environment(dict(os.environ), answer, False))
    try:
        yield Held(
            lease=answer["lease"],
            indices=tuple(g["index"] for g in answer["gpus"]),
            uuids=tuple(g["uuid"] for g in answer["gpus"]),
        )
    finally:
        if set_environment:
            _restore(before)
        if not answer.get("inherited") and os.getpid() == owner:  # not for a fork that leaves the block
            _give_back(channel, answer["lease"])
        channel.close()


def _message(
    count: int | None,
    gpu_ids: tuple[str, ...] | None,
    memory: str | int | None,
    timeout: float | None,
    name: str,
) -> dict[str, Any]:
    message: dict[str, Any] = {"binding": "connection", "holder": name, "wait_seconds": timeout}
    if gpu_ids is not None:
        message.update(sharing="exclusive", gpu_ids=[str(g) for g in gpu_ids])
    elif count is not None:
        message.update(sharing="exclusive", count=count)
    if memory is not None:
        message["memory_bytes"] = parse_size(memory) if isinstance(memory, str) else memory
        message.setdefault("sharing", "slice")
    if parent := os.environ.get(LEASE_VARIABLE):
        message["parent"] = parent
    return message


def _give_back(channel: Channel, lease: str) -> None:
    """Over the connection it came by, or a new one if the arbiter restarted meanwhile. An arbiter
    that is gone altogether finds out by itself when this process ends."""
    for again in (False, True):
        try:
            with contextlib.closing(Channel(channel.path) if again else channel) as way:
                way.ask({"cmd": "release", "lease": lease})
            return
        except ArbiterUnavailable:
            continue
        except ProtocolError:
            return  # it is no longer there: an admin ended it


def _restore(before: dict[str, str | None]) -> None:
    for key, value in before.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value
