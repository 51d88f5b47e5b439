"""Where agents send what they measured: what is answered with yes is in the history."""

import asyncio
import threading
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.api.in_process import Answer
from tests.api.nodes.test_routes import AGENT, Nodes, problem

from sentinel.api.sample_intake import MOST_TOGETHER, SampleIntake
from sentinel.core.errors import ProtocolError, UsageError
from sentinel.core.sample_batch import MAX_BYTES, Batch, Column, encode
from sentinel.core.series import Aggregate, Selector, labels_from
from sentinel.ports.history import Appended, HistoryUnavailable

METRIC = "gpu_power_watts"
SECONDS = 10.0


def batch(node: str = "gpu1", start: float = 1_800_000_000.0, count: int = 6, sequence: int = 1) -> Batch:
    column = Column(
        metric=METRIC, labels=labels_from({"node": node, "gpu": "0"}), values=array("f", [5.0] * count)
    )
    times = tuple(start + 10 * nth for nth in range(count))
    return Batch(node=node, sequence=sequence, times=times, columns=(column,))


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Nodes]:
    with Nodes(logs=tmp_path / "logs") as api:
        yield api


def send(api: Nodes, body: bytes) -> Answer:
    return api.ask(
        "POST", f"{AGENT}/samples", body=body, headers={"content-type": "application/octet-stream"}
    )


def known(api: Nodes) -> list[float | None]:
    at = api.clock.at
    found = api.history.query(Selector(metric=METRIC), at, at + 60, 60, Aggregate.COUNT)
    return [value for _, value in found[0].points] if found else []


def test_a_minute_is_told_while_it_lasts_and_again(api: Nodes) -> None:
    api.become("gpu1")
    for count in (1, 2, 6, 6, 3):
        answer = send(api, encode(batch(count=count)))
        assert (answer.status, answer.json()) == (200, {"kept": 1, "elsewhere": 0})
    assert known(api) == [6.0]


def test_only_nodes_and_only_of_themselves(api: Nodes) -> None:
    problem(send(api, encode(batch())), 401)
    api.become("gpu1")
    told = problem(send(api, encode(batch("gpu2"))), 422)
    assert "gpu2" in told["detail"] and "gpu1" in told["detail"]
    assert known(api) == []


@pytest.mark.parametrize("body", [b"", b"nonsense", encode(batch())[:-2], b'{"node": "gpu1"}'])
def test_what_is_no_batch_is_refused(api: Nodes, body: bytes) -> None:
    api.become("gpu1")
    assert problem(send(api, body), 422)["type"] == "invalid"


def test_what_is_too_big_is_refused(api: Nodes) -> None:
    api.become("gpu1")
    problem(send(api, bytes(MAX_BYTES + 1)), 413)


def test_a_parameter_is_refused(api: Nodes) -> None:
    api.become("gpu1")
    problem(api.ask("POST", f"{AGENT}/samples?x=1", body=encode(batch())), 422)


class Keeper:
    """A history whose appending a test holds up, or lets fail."""

    def __init__(self, *troubles: Exception, elsewhere: bool = False) -> None:
        self.troubles, self.elsewhere = list(troubles), elsewhere
        self.groups: list[list[Batch]] = []
        self.threads: set[str] = set()
        self.poison: Batch | None = None
        self.go = threading.Event()
        self.go.set()

    def append(self, batches: Sequence[Batch]) -> Appended:
        assert self.go.wait(SECONDS)
        self.threads.add(threading.current_thread().name)
        self.groups.append(list(batches))
        if self.troubles:
            raise self.troubles.pop(0)
        if self.poison is not None and any(one.sequence == self.poison.sequence for one in batches):
            raise ZeroDivisionError("a defect")
        return Appended(elsewhere=len(batches)) if self.elsewhere else Appended(kept=len(batches))


def with_history(api: Nodes, history: Any) -> None:
    api.become("gpu1")
    api.state.history = history


@pytest.mark.parametrize("error", [HistoryUnavailable("the disk is full"), UsageError("it is damaged")])
def test_a_history_that_cannot_keep_them_is_no_fault_of_the_nodes(api: Nodes, error: Exception) -> None:
    with_history(api, Keeper(error))
    answer = send(api, encode(batch()))
    told = problem(answer, 503)
    assert told["type"] == "history-unavailable" and str(error) in told["detail"]
    assert answer.headers["retry-after"] == "5"
    assert send(api, encode(batch())).status == 200, "the next time"


def test_kept_elsewhere(api: Nodes) -> None:
    with_history(api, Keeper(elsewhere=True))
    assert send(api, encode(batch())).json() == {"kept": 0, "elsewhere": 1}


# ------------------------------------------------------------------ many at once


def together(keeper: Keeper, tell: Sequence[tuple[str, bytes]], **more: Any) -> list[bool | BaseException]:
    async def all_of_them() -> list[bool | BaseException]:
        intake = SampleIntake(keeper, **more)  # type: ignore[arg-type]
        asked = [asyncio.ensure_future(intake.keep(node, raw)) for node, raw in tell]
        return await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), SECONDS)

    return asyncio.run(all_of_them())


def test_what_comes_together_is_kept_together() -> None:
    keeper = Keeper()
    tell = [("gpu1", encode(batch(sequence=nth))) for nth in range(3 * MOST_TOGETHER)]
    assert together(keeper, tell) == [False] * len(tell)
    assert [len(group) for group in keeper.groups] == [MOST_TOGETHER] * 3
    assert [one.sequence for group in keeper.groups for one in group] == list(range(len(tell)))
    assert len(keeper.threads) == 1 and keeper.threads != {threading.current_thread().name}


def test_one_that_is_no_batch_is_nobody_elses_trouble() -> None:
    keeper = Keeper()
    found = together(keeper, [("gpu1", encode(batch())), ("gpu1", b"?"), ("gpu2", encode(batch()))])
    assert found[0] is False and isinstance(found[1], ProtocolError) and isinstance(found[2], ProtocolError)
    assert [len(group) for group in keeper.groups] == [1]


def test_one_that_meets_a_defect_is_nobody_elses_trouble() -> None:
    keeper = Keeper()
    keeper.poison = batch(sequence=2)
    found = together(keeper, [("gpu1", encode(batch(sequence=nth))) for nth in range(5)])
    assert [isinstance(one, ZeroDivisionError) for one in found] == [False, False, True, False, False]
    assert [one for one in found if not isinstance(one, BaseException)] == [False] * 4


def test_so_many_wait_and_no_more() -> None:
    found = together(Keeper(), [("gpu1", encode(batch(sequence=nth))) for nth in range(5)], most_waiting=3)
    assert [getattr(one, "status", None) for one in found] == [None] * 3 + [503] * 2


def test_the_loop_goes_on_meanwhile_and_who_left_is_not_kept() -> None:
    keeper = Keeper()
    keeper.go.clear()

    async def work() -> None:
        intake = SampleIntake(keeper, gather=0.0)  # type: ignore[arg-type]
        first = asyncio.ensure_future(intake.keep("gpu1", encode(batch())))
        await asyncio.sleep(0.05)
        second = asyncio.ensure_future(intake.keep("gpu1", encode(batch(sequence=2))))
        began = time.monotonic()
        await asyncio.sleep(0.01)
        assert time.monotonic() - began < 1.0
        second.cancel()
        third = asyncio.ensure_future(intake.keep("gpu1", encode(replace(batch(), sequence=3))))
        await asyncio.sleep(0)
        keeper.go.set()
        assert await asyncio.wait_for(first, SECONDS) is False
        assert await asyncio.wait_for(third, SECONDS) is False

    asyncio.run(work())
    assert [[one.sequence for one in group] for group in keeper.groups] == [[1], [3]]
