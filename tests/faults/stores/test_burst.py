"""Ten thousand submits at once: each one that was answered is there after kill -9 of everything, and the
queue stays quick to look at."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.faults.stores.site import Site, elapsed

from sentinel.client import Client
from sentinel.core.errors import ApiError

pytestmark = pytest.mark.slow

MANY = 10_000
AT_ONCE = 16
RUN = 400


def each(site: Site, count: int, ask: Callable[[Client, int], str | None]) -> list[str]:
    """What `ask` returns for 0 to `count`, AT_ONCE at a time, without None."""
    clients = [site.client(patience=60, timeout=60) for _ in range(AT_ONCE)]

    def some(which: int) -> list[str]:
        answers = (ask(clients[which], number) for number in range(which, count, AT_ONCE))
        return [found for found in answers if found is not None]

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return [id for found in threads.map(some, range(AT_ONCE)) for id in found]


def submitted(site: Site) -> list[str]:
    command = ["sh", "-c", "echo $SENTINEL_JOB_ID >>ran"]

    def one(client: Client, number: int) -> str:
        return str(client.submit(command, cwd=str(site.folder), gpus=1, name=f"burst{number}")["id"])

    return each(site, MANY, one)


def canceled(site: Site, ids: Sequence[str]) -> list[str]:
    """Those of them that had not ended before."""

    def one(client: Client, number: int) -> str | None:
        try:
            client.cancel(ids[number], "enough")
        except ApiError as error:
            assert error.kind == "already-ended"
            return None
        return ids[number]

    return each(site, len(ids), one)


def test_all_are_kept_some_run_the_rest_is_canceled(tmp_path: Path) -> None:
    with Site.made(tmp_path) as site:
        site.start()
        node = site.add_node("gpu1", gpus=8)
        gate = site.gate()
        holder = site.submit(f"{gate.wait}", gpus=8)
        site.await_state("RUNNING", holder)
        ids = submitted(site)
        processes = [site.parent, *site.children(), node.agent, node.supervisor]
        for pid in processes:
            os.kill(pid, signal.SIGKILL)
        for pid in processes:
            site.send(pid, signal.SIGKILL)
        site.start()
        node.start()

        began = time.monotonic()
        queued = [job["id"] for job in site.client().jobs(state=["QUEUED"], limit=None)]
        assert elapsed(began) < 10, "all of them"
        assert len(queued) == MANY and set(queued) == set(ids)
        began = time.monotonic()
        assert len(site.client().jobs(limit=100)) == 100
        assert site.client().why(queued[0])["ahead"] == MANY - 1
        assert elapsed(began) < 2, "a page, and why the last one waits"

        gate.open()
        first = queued[-RUN:]
        assert site.codes(first, seconds=60) == [0] * RUN
        rest = canceled(site, queued[:-RUN])
        site.client(patience=30).wait(*rest[-10:], timeout=30)
        ended = {job["id"]: job["state"] for job in site.client().jobs(limit=None)}
        ran = (site.folder / "ran").read_text().split()[1:]  # but for the holder's line
        succeeded = {id for id, state in ended.items() if state == "SUCCEEDED"} - {holder}
        assert sorted(ran) == sorted(set(ran)), "none twice"
        assert set(first) <= succeeded <= set(ran)
        assert {ended[id] for id in rest} <= {"CANCELED", "SUCCEEDED"}
        assert "Traceback" not in site.log.read_text() + node.log.read_text()
