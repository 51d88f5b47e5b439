"""What every kernel log owes its port, run against each: the fake, /dev/kmsg, files."""

import os
import select
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.fakes.kernel_log import FakeKernelLog

from sentinel.drivers.kernel_log.kmsg import Kmsg, open_kmsg
from sentinel.drivers.kernel_log.log_file import LogFile, open_log_file
from sentinel.ports.kernel_log import KernelLog, Lines


@dataclass
class Case:
    """`say` logs one line. `alone`: nobody else logs there."""

    log: KernelLog
    say: Callable[[bytes], None]
    alone: bool = True


def fake(_folder: Path) -> Iterator[Case]:
    log = FakeKernelLog()
    yield Case(log, log.say)


def kmsg_records(_folder: Path) -> Iterator[Case]:
    """A socket hands out one record a read and EAGAIN when there is none, as the device does."""
    kernel, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    numbers = iter(range(7, 100_000))
    with kernel:
        yield Case(
            Kmsg(ours.detach(), "/dev/kmsg", ()),
            lambda line: kernel.sendall(b"4,%d,123456,-;%s\n" % (next(numbers), line)),
        )


def dev_kmsg(_folder: Path) -> Iterator[Case]:
    log = open_kmsg(from_now=True)
    if not isinstance(log, Kmsg):
        pytest.skip(log.why)
    yield Case(log, lambda line: _write("/dev/kmsg", line + b"\n"), alone=False)


def log_file(folder: Path) -> Iterator[Case]:
    path = folder / "kern.log"
    path.touch()
    log = open_log_file(str(path), follow=True)
    assert isinstance(log, LogFile), log
    yield Case(log, lambda line: _write(str(path), line + b"\n"))


def _write(path: str, line: bytes) -> None:
    number = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(number, line)
    finally:
        os.close(number)


@pytest.fixture(
    params=[fake, kmsg_records, log_file, pytest.param(dev_kmsg, marks=pytest.mark.root)],
    ids=lambda made: made.__name__,
)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    making: Iterator[Case] = request.param(tmp_path)
    made = next(making)
    yield made
    made.log.close()
    next(making, None)


def everything(log: KernelLog) -> tuple[list[bytes], str | None]:
    found: list[bytes] = []
    lost: str | None = None
    while True:
        got = log.read()
        found += got.lines
        lost = got.lost or lost
        if not got.more:
            return found, lost


def test_it_has_a_name(case: Case) -> None:
    assert case.log.name


def test_reading_when_nothing_was_said_gives_nothing_and_does_not_block(case: Case) -> None:
    if case.alone:
        assert case.log.read() == Lines()
    else:
        case.log.read()


def test_each_line_comes_once_and_in_order(case: Case) -> None:
    for turn in range(3):
        said = [b"a line of a test, %d %d" % (turn, number) for number in range(4)]
        for line in said:
            case.say(line)
        found, lost = everything(case.log)
        assert lost is None
        ours = [line.rpartition(b";")[2] for line in found if b"a line of a test, " in line]
        assert ours == said


def test_it_can_be_waited_for_or_says_that_it_cannot(case: Case) -> None:
    number = case.log.fileno()
    if number is None:
        return
    everything(case.log)
    case.say(b"a line of a test")
    assert select.select([number], [], [], 2)[0]
    everything(case.log)
    if case.alone:
        assert not select.select([number], [], [], 0)[0]
    assert not os.get_inheritable(number)


def test_closing_is_idempotent_and_silences_it(case: Case) -> None:
    case.say(b"a line of a test")
    case.log.close()
    case.log.close()
    assert case.log.fileno() is None
    assert case.log.read() == Lines()
