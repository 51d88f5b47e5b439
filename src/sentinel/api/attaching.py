"""Terminals: a client's web socket and the one that the job's agent dials for it, tied together.

Called by `WS jobs/ID/attach` and `WS agent/attach/SESSION`. The client comes first; its session is then part
of the node's desired state, so the agent learns of it, and has WAIT seconds to come. What one side sends is
read only when the other has taken what came before.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from sentinel.core.secret import new_id

WAIT = 20.0
LONGEST_TEXT = 1000
GONE, AWAY, UNSUPPORTED = 1000, 1013, 1003  # codes of RFC 6455


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A client that waits for the agent of `node`."""

    session: str
    node: str
    job: str
    attempt: int
    agent: "asyncio.Future[WebSocket]"
    over: asyncio.Event


class Attaching:
    """All terminals of this controller. For one event loop."""

    def __init__(self, changed: Callable[[str], None], *, wait: float = WAIT) -> None:
        """`changed` is told the node whose desired state is another now."""
        self._changed, self._wait = changed, wait
        self._wanted: dict[str, Wanted] = {}

    def wanted(self, node: str) -> list[dict[str, Any]]:
        """The node's part of `attach` in its desired state."""
        return [
            {"job": one.job, "attempt": one.attempt, "session": one.session}
            for one in self._wanted.values()
            if one.node == node
        ]

    async def client(self, socket: WebSocket, *, node: str, job: str, attempt: int) -> None:
        """Serves a client that may do this; returns when it is over. `socket` is not accepted yet."""
        await socket.accept()
        loop = asyncio.get_running_loop()
        session = new_id()
        wanted = Wanted(
            session=session,
            node=node,
            job=job,
            attempt=attempt,
            agent=loop.create_future(),
            over=asyncio.Event(),
        )
        self._wanted[session] = wanted
        self._changed(node)
        try:
            try:
                agent = await asyncio.wait_for(wanted.agent, self._wait)
            except TimeoutError:
                why = f"the job's node did not answer within {self._wait:.0f} s; see `sentinel node list`"
                await _close(socket, AWAY, why)
                return
            await _relay(socket, agent)
        finally:
            del self._wanted[session]
            wanted.over.set()
            self._changed(node)

    async def agent(self, socket: WebSocket, *, session: str, node: str) -> None:
        """Serves the agent's side; returns when it is over. `socket` is not accepted yet."""
        wanted = self._wanted.get(session)
        if wanted is None or wanted.node != node or wanted.agent.done():
            await socket.close(AWAY, "nobody waits for this terminal any more")
            return
        await socket.accept()
        if wanted.agent.done():  # given up, or another came, while this one was being accepted
            await _close(socket, AWAY, "nobody waits for this terminal any more")
            return
        wanted.agent.set_result(socket)
        await wanted.over.wait()


async def _relay(client: WebSocket, agent: WebSocket) -> None:
    """Until one of them ends; then both have."""
    ways = [
        asyncio.create_task(_pass_on(client, agent, "resize")),
        asyncio.create_task(_pass_on(agent, client, "exit")),
    ]
    try:
        done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        code, why = done.pop().result()
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
    await asyncio.gather(_close(client, code, why), _close(agent, code, why))


async def _pass_on(source: WebSocket, target: WebSocket, word: str) -> tuple[int, str]:
    """What `source` sends to `target`; how it ended. Its text frames may say `word` and nothing else."""
    while True:
        message = await source.receive()
        if message["type"] == "websocket.disconnect":
            return GONE, ""
        try:
            if (data := message.get("bytes")) is not None:
                await target.send_bytes(data)
            elif _says(message.get("text") or "", word):
                await target.send_text(message["text"])
            else:
                return UNSUPPORTED, f'a text frame here is {{"{word}": …}}'
        except (WebSocketDisconnect, RuntimeError, OSError):
            return GONE, ""


def _says(text: str, word: str) -> bool:
    try:
        found = json.loads(text) if len(text) <= LONGEST_TEXT else None
    except ValueError:
        return False
    if not isinstance(found, dict) or set(cast("dict[str, Any]", found)) != {word}:
        return False
    value = cast("dict[str, Any]", found)[word]
    if word == "exit":
        return value is None or type(value) is int
    return (
        isinstance(value, list)
        and len(cast("list[Any]", value)) == 2
        and all(type(one) is int and 0 < one < 65536 for one in cast("list[Any]", value))
    )


async def _close(socket: WebSocket, code: int, why: str) -> None:
    if socket.application_state is WebSocketState.DISCONNECTED:
        return
    with contextlib.suppress(RuntimeError, WebSocketDisconnect, OSError):
        await socket.close(code, why)
