"""Terminals: two web sockets tied together, whoever comes late, says nonsense or goes away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.websockets import WebSocket

from sentinel.api.attaching import Attaching


class End:
    """One end of a web socket: what it says goes to the server, what the server says is in `heard`."""

    def __init__(self) -> None:
        self.says: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.heard: list[dict[str, Any]] = []
        self.taken = asyncio.Event()
        self.taken.set()
        self.says.put_nowait({"type": "websocket.connect"})
        self.socket = WebSocket({"type": "websocket"}, self.says.get, self._hear)

    async def _hear(self, message: Any) -> None:
        await self.taken.wait()
        self.heard.append(message)

    def send(self, data: bytes | str) -> None:
        key = "bytes" if isinstance(data, bytes) else "text"
        self.says.put_nowait({"type": "websocket.receive", key: data})

    def leave(self) -> None:
        self.says.put_nowait({"type": "websocket.disconnect", "code": 1000})

    @property
    def payloads(self) -> list[Any]:
        return [one.get("bytes") or one.get("text") for one in self.heard if one["type"] == "websocket.send"]

    @property
    def closed(self) -> int | None:
        return next((one["code"] for one in self.heard if one["type"] == "websocket.close"), None)


def run(test: Callable[[Attaching, list[str]], Awaitable[None]], wait: float = 5.0) -> None:
    async def main() -> None:
        touched: list[str] = []
        async with asyncio.timeout(10):
            await test(Attaching(touched.append, wait=wait), touched)

    asyncio.run(main())


async def until(what: Callable[[], object]) -> None:
    while not what():
        await asyncio.sleep(0.001)


async def tied(attaching: Attaching) -> tuple[End, End, asyncio.Task[None], asyncio.Task[None]]:
    client, agent = End(), End()
    one = asyncio.create_task(attaching.client(client.socket, node="n1", job="j1", attempt=2))
    await until(lambda: attaching.wanted("n1"))
    [wanted] = attaching.wanted("n1")
    assert (wanted["job"], wanted["attempt"]) == ("j1", 2)
    other = asyncio.create_task(attaching.agent(agent.socket, session=wanted["session"], node="n1"))
    await until(lambda: agent.heard)
    return client, agent, one, other


def test_both_ways_and_the_end() -> None:
    async def test(attaching: Attaching, touched: list[str]) -> None:
        client, agent, one, other = await tied(attaching)
        client.send(b"ls\n")
        client.send('{"resize": [24, 80]}')
        agent.send(b"a b c")
        await until(lambda: len(agent.payloads) == 2 and client.payloads)
        assert agent.payloads == [b"ls\n", '{"resize": [24, 80]}'] and client.payloads == [b"a b c"]
        agent.send('{"exit": 3}')
        agent.leave()
        await asyncio.gather(one, other)
        assert client.payloads[-1] == '{"exit": 3}' and client.closed == 1000
        assert touched == ["n1", "n1"] and attaching.wanted("n1") == []

    run(test)


def test_a_client_that_goes_ends_the_agents_side() -> None:
    async def test(attaching: Attaching, touched: list[str]) -> None:
        client, agent, one, other = await tied(attaching)
        client.leave()
        await asyncio.gather(one, other)
        assert agent.closed == 1000

    run(test)


def test_nothing_more_is_read_than_the_other_side_takes() -> None:
    async def test(attaching: Attaching, touched: list[str]) -> None:
        client, agent, one, other = await tied(attaching)
        client.taken.clear()
        for _ in range(10):
            agent.send(b"x")
        await asyncio.sleep(0.02)
        assert agent.says.qsize() == 9
        client.taken.set()
        await until(lambda: len(client.payloads) == 10)
        client.leave()
        await asyncio.gather(one, other)

    run(test)


def test_text_says_what_it_may_and_nothing_else() -> None:
    bad = [
        '{"exit": 1}',
        "{",
        "[]",
        '{"resize": [0, 80]}',
        '{"resize": [1]}',
        '{"resize": [1, 2], "x": 1}',
        "x" * 2000,
    ]

    async def test(attaching: Attaching, touched: list[str]) -> None:
        for text in bad:
            client, agent, one, other = await tied(attaching)
            client.send(text)
            await asyncio.gather(one, other)
            assert client.closed == 1003 and agent.payloads == [], text
        client, agent, one, other = await tied(attaching)
        agent.send('{"resize": [1, 2]}')
        await asyncio.gather(one, other)
        assert agent.closed == 1003

    run(test)


def test_an_agent_that_does_not_come() -> None:
    async def test(attaching: Attaching, touched: list[str]) -> None:
        client = End()
        await attaching.client(client.socket, node="n1", job="j1", attempt=1)
        assert client.closed == 1013 and attaching.wanted("n1") == []

    run(test, wait=0.01)


def test_another_node_a_second_agent_and_one_that_comes_late() -> None:
    async def test(attaching: Attaching, touched: list[str]) -> None:
        client, _, one, other = await tied(attaching)
        session = attaching.wanted("n1")[0]["session"]
        for node, name in (("n2", session), ("n1", session), ("n1", "nothing")):
            stranger = End()
            await attaching.agent(stranger.socket, session=name, node=node)
            assert [message["type"] for message in stranger.heard] == ["websocket.close"]
        client.leave()
        await asyncio.gather(one, other)
        late = End()
        await attaching.agent(late.socket, session=session, node="n1")
        assert late.closed == 1013

    run(test)
