"""Shipping output: all of it, once, in order, whatever the controller does meanwhile."""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.agent.link.wants import attempt
from tests.e2e.workstation import eventually

from sentinel.agent.link.attempt import Phase
from sentinel.agent.link.backoff import Backoff
from sentinel.agent.link.log_file import log_path, piece_at
from sentinel.agent.link.logs import LogShipper
from sentinel.agent.link.reach import Reach
from sentinel.core.clock import boottime
from sentinel.core.errors import ApiError, ApiUnavailable
from sentinel.core.notify import Journal

HOLE = 1 << 20
PATIENCE = 5.0


class Controller:
    """Keeps what comes; `trouble` is raised once each."""

    def __init__(self) -> None:
        self.kept: dict[str, bytearray] = {}
        self.complete: set[str] = set()
        self.calls: list[tuple[str, int, int, bool]] = []
        self.trouble: list[Exception] = []
        self.lost: int | None = None  # it has only so much any more, and says so once

    def log(self, job: str, attempt: int, offset: int, data: bytes, *, complete: bool) -> int:
        self.calls.append((job, offset, len(data), complete))
        if self.trouble:
            raise self.trouble.pop(0)
        if self.lost is not None:
            kept, self.lost = self.lost, None
            del self.kept[job][kept:]
            return kept
        log = self.kept.setdefault(job, bytearray())
        end = offset + len(data)
        if end > len(log):
            log.extend(bytes(end - len(log)))
            log[offset:end] = data
        if complete:
            self.complete.add(job)
        return len(log)

    def interrupt(self) -> None:
        pass

    def close(self) -> None:
        pass


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "logs").mkdir()
        self.controller: Any = Controller()
        self.written = io.StringIO()
        journal = Journal(self.written)
        self.shipper = LogShipper(
            folder,
            self.controller,
            Reach("https://c", journal),
            journal,
            boottime,
            every=0.02,
            followed=0.005,
            backoff=Backoff(0.005, 0.01),
        )
        self.done: list[str] = []
        self.shipper.shipped = self.done.append

    def write(self, job: str, data: bytes) -> None:
        with log_path(self.folder, job, 1).open("ab") as out:
            out.write(data)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    desk.shipper.start()
    yield desk
    desk.shipper.close()


def test_an_empty_log_costs_no_request(desk: Desk) -> None:
    for phase, new in ((Phase.RUNNING, True), (Phase.EXITED, False)):
        desk.shipper.began(attempt(phase=phase), new=new)
        desk.write("j1", b"")
        assert desk.shipper.ended("t-j1") is True
    assert desk.shipper.ended("t-never-heard-of") is True
    assert desk.controller.calls == []


def test_what_is_written_at_the_end_is_one_request(desk: Desk) -> None:
    desk.shipper.close()  # so that it cannot look before the end
    desk.shipper = LogShipper(
        desk.folder, desk.controller, Reach("", Journal(desk.written)), Journal(desk.written), boottime
    )
    desk.shipper.shipped = desk.done.append
    desk.shipper.began(attempt(), new=True)
    desk.write("j1", b"hello\n")
    assert desk.shipper.ended("t-j1") is False
    desk.shipper.start()
    eventually(lambda: desk.done == ["t-j1"], "it is shipped", PATIENCE)
    assert desk.controller.calls == [("j1", 0, 6, True)]


def test_it_is_shipped_while_it_grows_and_complete_at_the_end(desk: Desk) -> None:
    desk.shipper.began(attempt(), new=True)
    whole = b""
    for number in range(5):
        line = f"line {number}\n".encode()
        desk.write("j1", line)
        whole += line
        eventually(lambda: bytes(desk.controller.kept.get("j1", b"")) == whole, "it arrived", PATIENCE)  # noqa: B023
    assert desk.controller.complete == set()
    assert desk.shipper.ended("t-j1") is False
    eventually(lambda: desk.done == ["t-j1"], "it is complete", PATIENCE)
    assert desk.controller.complete == {"j1"} and bytes(desk.controller.kept["j1"]) == whole


def test_a_big_one_comes_in_pieces(desk: Desk) -> None:
    data = os.urandom(10 * 2**20)
    desk.shipper.began(attempt(), new=True)
    desk.write("j1", data)
    desk.shipper.ended("t-j1")
    eventually(lambda: desk.done, "it is complete", PATIENCE)
    assert bytes(desk.controller.kept["j1"]) == data
    assert max(size for _, _, size, _ in desk.controller.calls) <= 512 * 1024


def test_what_was_shipped_by_an_agent_before_is_not_shipped_again(desk: Desk) -> None:
    desk.write("j1", b"before and after")
    desk.controller.kept["j1"] = bytearray(b"before ")
    desk.shipper.began(attempt(phase=Phase.EXITED), new=False)
    desk.shipper.ended("t-j1")
    eventually(lambda: desk.done, "it is complete", PATIENCE)
    assert bytes(desk.controller.kept["j1"]) == b"before and after"
    assert desk.controller.calls == [("j1", 0, 0, False), ("j1", 7, 9, True)]


def test_a_controller_that_is_away_gets_it_when_it_is_back(desk: Desk) -> None:
    desk.controller.trouble = [ApiUnavailable("nobody answers"), ApiError("disk full", status=507)]
    desk.write("j1", b"hello\n")
    desk.shipper.began(attempt(), new=True)
    desk.shipper.ended("t-j1")
    eventually(lambda: desk.done, "it is complete", PATIENCE)
    assert bytes(desk.controller.kept["j1"]) == b"hello\n"


def test_a_controller_that_lost_some_is_told_it_again(desk: Desk) -> None:
    desk.shipper.began(attempt(), new=True)
    desk.write("j1", b"0123456789")
    eventually(lambda: "j1" in desk.controller.kept, "it arrived", PATIENCE)
    desk.controller.lost = 4
    desk.write("j1", b"abc")
    desk.shipper.ended("t-j1")
    eventually(lambda: desk.done, "it is complete", PATIENCE)
    assert bytes(desk.controller.kept["j1"]) == b"0123456789abc"


@pytest.mark.parametrize(
    "no", [ApiError("no such job", status=404), ApiError("not yours", status=403, kind="forbidden")]
)
def test_one_that_is_not_taken_stands_in_nobodys_way(desk: Desk, no: ApiError) -> None:
    desk.controller.trouble = [no]
    desk.write("j1", b"hello\n")
    desk.shipper.began(attempt(), new=True)
    desk.shipper.ended("t-j1")
    eventually(lambda: desk.done == ["t-j1"], "it is let go", PATIENCE)
    assert "it stays in" in desk.written.getvalue()
    desk.write("j2", b"hello\n")
    desk.shipper.began(attempt("j2"), new=True)
    desk.shipper.ended("t-j2")
    eventually(lambda: desk.controller.complete == {"j2"}, "the next is shipped", PATIENCE)


def test_a_node_that_is_not_known_keeps_its_logs(desk: Desk) -> None:
    desk.controller.trouble = [ApiError("this node was removed", status=403, kind="no-such-node")]
    desk.write("j1", b"hello\n")
    desk.shipper.began(attempt(), new=True)
    desk.shipper.ended("t-j1")
    eventually(lambda: desk.controller.calls, "it was tried", PATIENCE)
    assert desk.done == []


def test_one_that_is_gone_is_let_go(desk: Desk) -> None:
    desk.write("j1", b"hello\n")
    desk.shipper.began(attempt(), new=True)
    eventually(lambda: "j1" in desk.controller.kept, "it arrived", PATIENCE)
    log_path(desk.folder, "j1", 1).unlink()
    desk.shipper.ended("t-j1")
    eventually(lambda: desk.done == ["t-j1"], "it is let go", PATIENCE)


def test_one_that_is_read_is_shipped_at_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    journal = Journal(desk.written)
    desk.shipper = LogShipper(
        tmp_path, desk.controller, Reach("", journal), journal, boottime, every=3600.0, followed=0.005
    )
    desk.shipper.start()
    try:
        desk.shipper.began(attempt(), new=True)
        desk.shipper.follow({"j1"})
        for number in range(3):
            desk.write("j1", b"x")
            eventually(
                lambda number=number: len(desk.controller.kept.get("j1", b"")) > number, "it came", PATIENCE
            )
        desk.shipper.follow(())
    finally:
        desk.shipper.close()


def test_a_hole_in_the_middle_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb") as out:
        out.write(b"front")
        out.seek(HOLE)
        out.write(b"back")
    first = piece_at(path, 0)
    assert first is not None and first.data.startswith(b"front") and len(first.data) < HOLE
    second = piece_at(path, first.end)
    assert second is not None and (second.offset, second.data) == (HOLE, b"back")
    third = piece_at(path, second.end)
    assert third is not None and third.data == b"" and third.end == third.size == HOLE + 4
    assert piece_at(tmp_path / "none", 0) is None


def test_a_hole_at_the_end_is_told_by_its_end(desk: Desk) -> None:
    desk.write("j1", b"front")
    os.truncate(log_path(desk.folder, "j1", 1), HOLE)
    desk.shipper.began(attempt(), new=True)
    desk.shipper.ended("t-j1")
    eventually(lambda: desk.done, "it is complete", PATIENCE)
    assert sum(size for _, _, size, _ in desk.controller.calls) < HOLE // 2
    assert desk.controller.calls[-1][1:] == (HOLE, 0, True)
