import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from tests.client.fake_controller import FakeController, Reply, Request, a_job, an_event, problem, sse

from sentinel.client import AsyncClient
from sentinel.core.errors import ApiError

ID = "abcdefghjk"


def opened(fake: FakeController, concurrency: int = 16) -> AsyncClient:
    return AsyncClient(fake.url, token="t", ca=str(fake.ca), timeout=5, patience=5, concurrency=concurrency)


def test_calls_run_at_the_same_time(fake: FakeController) -> None:
    barrier = threading.Barrier(4, timeout=5)

    def submitted(request: Request) -> dict[str, str]:
        barrier.wait()
        return {"id": request.json["name"]}

    fake.answers["POST jobs"] = submitted

    async def main() -> list[str]:
        async with opened(fake) as client:
            jobs = await asyncio.gather(
                *(client.submit(["true"], cwd="/", name=str(number)) for number in range(4))
            )
            return [job["id"] for job in jobs]

    assert asyncio.run(main()) == ["0", "1", "2", "3"]


def test_errors_come_through(fake: FakeController) -> None:
    fake.answers[f"GET jobs/{ID}"] = problem(404, "no such job")

    async def main() -> None:
        async with opened(fake) as client:
            with pytest.raises(ApiError, match="no such job"):
                await client.job(ID)
            with pytest.raises(ApiError, match="no such job"):
                await anext(client.logs(ID, follow=True))

    asyncio.run(main())


def test_logs_events_and_waiting(fake: FakeController) -> None:
    fake.answers[f"GET jobs/{ID}"] = a_job(state="SUCCEEDED", attempt=1)
    fake.answers[f"GET jobs/{ID}/logs"] = Reply(
        pieces=[b"ab", b"cd"], headers={"Log-Offset": "0", "Log-Size": "4", "Log-Complete": "true"}
    )
    fake.answers["GET events/stream"] = Reply(
        pieces=sse(*(an_event(n, "a", "queued") for n in range(1, 500)))
    )

    async def main() -> tuple[bytes, list[int], str]:
        async with opened(fake) as client:
            log = b"".join([piece async for piece in client.logs(ID, follow=True)])
            ids = list[int]()
            async for event in client.events():
                ids.append(event["id"])
                if len(ids) == 300:
                    break
            return log, ids, (await client.wait(ID))[0]["state"]

    log, ids, state = asyncio.run(main())
    assert log == b"abcd"
    assert ids == list(range(1, 301))
    assert state == "SUCCEEDED"


def test_a_cancelled_follower_lets_its_thread_and_connection_go(fake: FakeController) -> None:
    held = threading.Event()

    def silent() -> Iterator[bytes]:
        yield b": events\n\n"
        held.wait(10)

    fake.answers["GET events/stream"] = lambda _: Reply(pieces=silent())

    async def main() -> None:
        async with opened(fake) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    async for _ in client.events():
                        raise AssertionError

    asyncio.run(main())
    end = time.monotonic() + 5
    while any(thread.name == "sentinel-stream" for thread in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.01)
    held.set()


def test_importing_the_sdk_is_cheap() -> None:
    code = "import sys, sentinel.client; print([m for m in ('ssl', 'asyncio', 'json') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
