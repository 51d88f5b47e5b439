"""Process events: the wire format by hypothesis, and real programs starting and ending."""

import errno
import os
import select
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.drivers.wakeups import netlink
from sentinel.drivers.wakeups.netlink import (
    EXECUTED,
    EXITED,
    ProcessEvents,
    answer,
    listen_to_processes,
    parse,
)
from sentinel.ports.wakeups import Hint, Unavailable


def message(what: int, pid: int, group: int, more: bytes = b"", *, idx: int = 1) -> bytes:
    event = struct.pack("=IIQii", what, 0, 12345, pid, group) + more
    length = 36 + len(event)
    whole = (
        struct.pack("=IHHII", length, 3, 0, 7, 0)
        + struct.pack("=IIIIHH", idx, 1, 7, 0, len(event), 0)
        + event
    )
    return whole + bytes(-length % 4)


FORK, COMM = 0x1, 0x200
PIDS = st.integers(1, 2**22)
EVENTS = st.tuples(st.sampled_from([EXECUTED, EXITED, FORK, COMM]), PIDS, PIDS, st.binary(max_size=40))


def expected(what: int, pid: int, group: int) -> list[tuple[int, int]]:
    return [(what, group)] if what == EXECUTED or (what == EXITED and pid == group) else []


@given(st.lists(EVENTS, max_size=6))
def test_programs_that_start_and_processes_that_end_are_picked_out(
    events: list[tuple[int, int, int, bytes]],
) -> None:
    data = b"".join(message(*event) for event in events)
    assert list(parse(data)) == [one for what, pid, group, _ in events for one in expected(what, pid, group)]


@given(st.lists(EVENTS, min_size=1, max_size=3), st.data())
def test_what_is_cut_off_is_left_out(events: list[tuple[int, int, int, bytes]], data: st.DataObject) -> None:
    whole = b"".join(message(*event) for event in events)
    part = whole[: data.draw(st.integers(0, len(whole) - 4))]
    found = list(parse(part))
    assert found == list(parse(whole))[: len(found)]


@given(st.binary(max_size=300))
def test_no_bytes_upset_it(data: bytes) -> None:
    assert all(what in (EXECUTED, EXITED) and pid for what, pid in parse(data))
    assert answer(data) is None or isinstance(answer(data), int)


@given(EVENTS, st.integers(0, 59), st.integers(0, 255))
def test_no_flipped_byte_upsets_it(event: tuple[int, int, int, bytes], at: int, byte: int) -> None:
    data = bytearray(message(*event))
    data[at] = byte
    assert all(what in (EXECUTED, EXITED) for what, _ in parse(memoryview(data)))


def test_a_thread_that_ends_is_no_process_that_ends() -> None:
    assert list(parse(message(EXITED, 11, 10))) == []
    assert list(parse(message(EXITED, 10, 10))) == [(EXITED, 10)]


def test_another_connector_is_not_ours() -> None:
    assert list(parse(message(EXECUTED, 10, 10, idx=5))) == []


def test_the_kernels_answer() -> None:
    assert answer(message(0, 0, 0)) == 0
    assert answer(message(0, errno.EPERM, 0)) == errno.EPERM
    assert answer(message(EXECUTED, 10, 10)) is None
    assert answer(b"") is None


class Channel:
    """A socket that holds these messages, or fails with these numbers."""

    def __init__(self, *queue: bytes | int, port: int = 0, for_ever: bool = False) -> None:
        self.queue, self.port, self.for_ever = list(queue), port, for_ever
        self.taken = 0

    def recvfrom_into(self, buffer: bytearray) -> tuple[int, tuple[int, int]]:
        if not self.queue:
            raise BlockingIOError(errno.EAGAIN, "empty")
        first = self.queue[0] if self.for_ever else self.queue.pop(0)
        self.taken += 1
        if isinstance(first, int):
            raise OSError(first, os.strerror(first))
        buffer[: len(first)] = first
        return len(first), (self.port, 1)


def drained(channel: Channel) -> Hint:
    return ProcessEvents(channel).drain()  # pyright: ignore[reportArgumentType]


def test_dropped_events_are_a_hint_and_those_kept_still_come() -> None:
    hint = drained(Channel(message(EXECUTED, 5, 5), errno.ENOBUFS, message(EXITED, 6, 6)))
    assert hint == Hint(executed=frozenset({5}), exited=frozenset({6}), overflowed=True)


def test_only_the_kernel_is_believed() -> None:
    assert drained(Channel(message(EXECUTED, 5, 5), port=4711)) == Hint()


def test_one_drain_does_a_bounded_amount_of_work() -> None:
    for endless in (message(EXECUTED, 5, 5), errno.ENOBUFS):
        channel = Channel(endless, for_ever=True)
        drained(channel)
        assert channel.taken == netlink.MESSAGES_A_DRAIN


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EPERM, "root"),
        (errno.ECONNREFUSED, "net namespace"),
        (errno.EPROTONOSUPPORT, "CONFIG_PROC_EVENTS"),
        (errno.ENOMEM, "memory"),
    ],
)
def test_a_refusal_is_a_reason(monkeypatch: pytest.MonkeyPatch, number: int, words: str) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(netlink.socket, "socket", refuse)
    monkeypatch.setattr(netlink, "_FIRST_NAMESPACES", {})
    found = listen_to_processes()
    assert isinstance(found, Unavailable)
    assert words in found.why


# ---------------------------------------------------------------- the kernel itself


def open_or_skip(**options: int) -> ProcessEvents:
    found = listen_to_processes(**options)
    if isinstance(found, Unavailable):
        pytest.skip(found.why)
    return found


@pytest.fixture
def source() -> Iterator[ProcessEvents]:
    made = open_or_skip()
    yield made
    made.close()


def hint_of(source: ProcessEvents, pid: int) -> Hint:
    """The next one that names it. The kernel tells of an exit a moment after the parent hears of it."""
    while select.select([source], [], [], 2)[0]:
        hint = source.drain()
        if pid in hint.executed | hint.exited:
            return hint
    return Hint()


@pytest.mark.root
def test_a_real_program_starts_and_ends(source: ProcessEvents) -> None:
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    try:
        started = hint_of(source, child.pid)
    finally:
        child.communicate()
    ended = hint_of(source, child.pid)
    assert (child.pid in started.executed, child.pid in started.exited) == (True, False)
    assert (child.pid in ended.executed, child.pid in ended.exited) == (False, True)


@pytest.mark.root
def test_forks_and_threads_are_no_news(source: ProcessEvents) -> None:
    source.drain()
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    hint = source.drain()
    assert os.getpid() not in hint.executed | hint.exited
    assert thread.native_id not in hint.executed | hint.exited


@pytest.mark.root
def test_a_real_queue_that_is_too_small_overflows() -> None:
    source = open_or_skip(queue_bytes=4096)
    for _ in range(30):
        os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
    assert source.drain().overflowed
    seen = False
    for _ in range(20):  # others start programs too, and there is room for few
        source.drain()
        child = subprocess.Popen(["true"])
        child.wait()
        seen = seen or child.pid in source.drain().executed
    assert seen, "it goes on after an overflow"
    source.close()


@pytest.mark.root
@pytest.mark.parametrize(("flags", "kind"), [("-n", "net"), ("-pf", "pid"), ("-Ur", "user")])
def test_in_a_container_there_is_a_reason(flags: str, kind: str) -> None:
    code = "from sentinel.drivers.wakeups.netlink import listen_to_processes as l; print(l().why)"
    done = subprocess.run(
        ["unshare", flags, sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert f"in a {kind} namespace of its own" in done.stdout, done.stderr
