"""Who watches the fleet, and what they are told: the whole once, then each second what changed. Used by
routes.fleet.

One `FleetFeed` a tenant. Nothing runs while nobody watches: those who do wake up each second, and the first
of them looks, once for all. What is told is encoded once, and packed once: each message is a deflated block
of its own that refers to nothing before it, so it fits into everybody's gzip stream, whenever theirs began.

    event: fleet   {…}     the whole, as in api.fleet
    event: delta   {…}     what changed; after ten seconds without a change an empty one: all is well

`id` is FEED-N. Whoever comes back with one goes on after it where that is still known; else with the whole.
"""

import asyncio
import contextlib
import json
import os
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from sentinel.api.fleet import Fleet, Known, Part, alike, changes_json, owners_by_gpu, part_of, whole_json
from sentinel.api.packing import GZIP_HEAD, block
from sentinel.api.streaming import Interrupted
from sentinel.core.errors import StoreUnavailable
from sentinel.core.node import BlockKind, Node
from sentinel.ports.store import Reader

if TYPE_CHECKING:
    from sentinel.api.state import ApiState

ALIVE_EVERY = 10.0
OWNERS_EVERY = 10.0
OWNERS_FOR = 30.0
KEPT = 10  # messages for those who come back; after more than these the whole is shorter
_LIVE = frozenset(("running", "idle", "paused"))
_OTHERS = frozenset((BlockKind.UNMANAGED, BlockKind.LEASED))
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class Message:
    """One event of the stream. `number` counts."""

    def __init__(self, number: int, plain: bytes) -> None:
        self.number, self.plain = number, plain
        self._packed: bytes | None = None

    def packed(self) -> bytes:
        """As a block of any gzip stream."""
        if self._packed is None:
            self._packed = block(self.plain)
        return self._packed


class FleetFeed:
    """The fleet of one tenant, for one event loop."""

    def __init__(self, state: "ApiState", tenant: str) -> None:
        self._state, self._tenant = state, tenant
        self._id = os.urandom(4).hex()
        self._number = 0  # of the last message, whether somebody heard it or not
        self._version = 0  # of what there is to see
        self._fleet: Fleet | None = None
        self._whole: bytes | None = None
        self._recent: deque[Message] = deque(maxlen=KEPT)
        self._first: Message | None = None  # the whole, for those who come now
        self._looked_at = self._told_at = float("-inf")  # of the event loop's clock
        self._owners: dict[str, dict[str, str]] = {}
        self._owners_at: float | None = None
        self._one = asyncio.Lock()
        self.looks = 0

    # ------------------------------------------------------------------ asked once

    async def whole(self) -> tuple[bytes, str]:
        """The JSON of the whole, and a tag of what is in it but for the time."""
        fleet = await self._look()
        return self._encoded(fleet), f"{self._id}.{self._version}"

    # ------------------------------------------------------------------ followed

    async def follow(
        self, last: str | None, *, packed: bool, still: Callable[[], Awaitable[bool]]
    ) -> AsyncGenerator[bytes]:
        """From after the message `last`, or from the whole on. `still`: whether the asker may be told, asked
        now and then. Interrupted when not, or when the hub closes."""
        hub, settings = self._state.hub, self._state.settings
        asked = asyncio.get_running_loop().time()
        at = None if last is None else self._number_in(last)
        if packed:
            yield GZIP_HEAD
        while not hub.closing:
            await self._look()
            messages = self._after(at)
            if messages:
                at = messages[-1].number
                yield b"".join([one.packed() if packed else one.plain for one in messages])
            await hub.pause(self._until_next())
            now = asyncio.get_running_loop().time()
            if now - asked >= settings.look_again:
                asked = now
                with contextlib.suppress(StoreUnavailable):
                    if not await still():
                        break
        raise Interrupted("the controller is being stopped, or whoever watches may not any more")

    def _after(self, at: int | None) -> list[Message]:
        """What somebody has not heard who has heard message `at`; None: who has heard nothing."""
        if at == self._number:
            return []
        if at is not None and self._recent and self._recent[0].number <= at + 1 <= self._number:
            return [one for one in self._recent if one.number > at]
        return [self._begin()]

    def _begin(self) -> Message:
        assert self._fleet is not None, "somebody has looked"
        if self._first is None or self._first.number != self._number:
            self._first = self._message("fleet", self._encoded(self._fleet))
        return self._first

    def _number_in(self, last: str) -> int | None:
        feed, _, number = last.partition("-")
        known = feed == self._id and number.isascii() and number.isdigit() and len(number) < 16
        return int(number) if known else None

    def _until_next(self) -> float:
        due = self._looked_at + self._state.settings.fleet_every
        return max(0.0, due - asyncio.get_running_loop().time())

    # ------------------------------------------------------------------ looking

    async def _look(self) -> Fleet:
        """The fleet as of this moment, or of less than a second ago."""
        async with self._one:
            now = asyncio.get_running_loop().time()
            if self._fleet is not None and now - self._looked_at < self._state.settings.fleet_every:
                return self._fleet
            await self._read_owners()
            self._looked_at = now
            self.looks += 1
            before, after = self._fleet, self._taken()
            self._fleet, self._whole = after, None
            if before is None or not alike(before, after):
                self._version += 1
                self._number += 1
                self._recent.clear()
                self._told_at = now
                return after
            changes = changes_json(before, after)
            news = bool(changes["nodes"] or changes["gpus"])
            if news or now - self._told_at >= ALIVE_EVERY:
                self._version += news
                self._number += 1
                self._told_at = now
                self._recent.append(self._message("delta", _bytes(changes)))
            return after

    def _taken(self) -> Fleet:
        hub = self._state.hub
        before = {} if self._fleet is None else {part.known.node.id: part for part in self._fleet.parts}
        mine = sorted((one for one in hub.mirror.nodes.values() if one.tenant == self._tenant), key=_name)
        parts = [self._part(node, before.get(node.id)) for node in mine]
        return Fleet(at=round(self._state.now(), 3), revision=hub.mirror.revision, parts=tuple(parts))

    def _part(self, node: Node, before: Part | None) -> Part:
        hub = self._state.hub
        samples = hub.samples_of(node.id)
        known = Known(
            node=node,
            jobs=tuple(hub.mirror.on_node(node.id)),
            samples=None if samples is None else samples.samples,
            findings=hub.findings.get(node.id),
            owners=self._owners.get(node.id),
        )
        return part_of(known, before)

    async def _read_owners(self) -> None:
        """Who has the GPUs that are blocked for somebody. Agents seldom tell of workloads, so what is kept is
        asked of the store, now and then; what cannot be asked is unknown after a while."""
        now = asyncio.get_running_loop().time()
        if self._owners_at is not None and now - self._owners_at < OWNERS_EVERY:
            return
        nodes = self._state.hub.mirror.nodes.values()
        if not any(gpu.blocked and gpu.blocked.kind in _OTHERS for one in nodes for gpu in one.gpus or ()):
            self._owners = {}
            return

        def look(reader: Reader) -> dict[str, dict[str, str]]:
            found = reader.workloads(tenant=self._tenant)
            return owners_by_gpu([(one.node, one.owner, one.data) for one in found if one.state in _LIVE])

        try:
            self._owners = await self._state.read(look)
            self._owners_at = now
        except StoreUnavailable:
            if self._owners_at is not None and now - self._owners_at >= OWNERS_FOR:
                self._owners, self._owners_at = {}, None

    # ------------------------------------------------------------------ encoding

    def _encoded(self, fleet: Fleet) -> bytes:
        if self._whole is None:
            self._whole = _bytes(whole_json(fleet))
        return self._whole

    def _message(self, event: str, data: bytes) -> Message:
        head = f"id: {self._id}-{self._number}\nevent: {event}\ndata: ".encode()
        return Message(self._number, b"".join((head, data, b"\n\n")))


class FleetFeeds:
    """Those of all tenants. For one event loop."""

    def __init__(self, state: "ApiState") -> None:
        self._state = state
        self._feeds: dict[str, FleetFeed] = {}

    def of(self, tenant: str) -> FleetFeed:
        feed = self._feeds.get(tenant)
        if feed is None:
            feed = self._feeds[tenant] = FleetFeed(self._state, tenant)
        return feed


def _bytes(found: Any) -> bytes:
    return _encode(found).encode("utf-8", "replace")


def _name(node: Node) -> str:
    return node.name
