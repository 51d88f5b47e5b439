"""Clients that are slow, hostile or many: each gets what it deserves, and nobody else notices."""

import contextlib
import os
import resource
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.e2e.workstation import Client, Workstation, alive, eventually

CROWD = str(Path(__file__).with_name("crowd.py"))
Attack = Callable[[Workstation], contextlib.AbstractContextManager[object]]


def latencies(workstation: Workstation, count: int = 25) -> list[float]:
    """How long a status takes, several times, a moment apart."""
    found: list[float] = []
    for _ in range(count):
        started = time.monotonic()
        workstation.status()
        found.append(time.monotonic() - started)
        time.sleep(0.02)
    return found


def stalls_nobody(workstation: Workstation) -> None:
    found = latencies(workstation)
    assert statistics.median(found) < 0.1, found
    assert max(found) < 0.5, found
    assert workstation.run("sentinel-request", "--", "true").code == 0
    workstation.heals()


@contextlib.contextmanager
def running(what: Callable[[threading.Event], None]) -> Iterator[None]:
    """Does it in a thread until the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=what, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def again_and_again(ws: Workstation, data: bytes) -> contextlib.AbstractContextManager[None]:
    """Sends it over a new connection each time, and reads what comes."""

    def attack(stop: threading.Event) -> None:
        while not stop.wait(0.002):
            with contextlib.suppress(OSError, ValueError), Client(ws.socket, 1) as client:
                client.send(data)
                client.receive()

    return running(attack)


@contextlib.contextmanager
def half_messages(ws: Workstation) -> Iterator[None]:
    """Two hundred clients that have begun a message and go no further."""
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(ws.connect()).send(b'{"v":1,"cmd":"acq', end=b"")
        yield


@contextlib.contextmanager
def silent(ws: Workstation) -> Iterator[None]:
    """Three hundred clients that say nothing."""
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(ws.connect())
        yield


@contextlib.contextmanager
def byte_by_byte(ws: Workstation) -> Iterator[None]:
    """Twenty clients that dribble a large message of nothing but braces."""

    def attack(stop: threading.Event) -> None:
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(ws.connect()) for _ in range(20)]
            while not stop.is_set():
                for client in clients:
                    with contextlib.suppress(OSError):
                        client.sock.send(b"}")

    with running(attack):
        yield


@contextlib.contextmanager
def never_reading(ws: Workstation) -> Iterator[None]:
    """Clients that ask without end and read nothing."""

    def attack(stop: threading.Event) -> None:
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(ws.connect()) for _ in range(4)]
            for client in clients:
                client.sock.setblocking(False)
            while not stop.wait(0.001):
                for client in clients:
                    with contextlib.suppress(OSError):
                        client.sock.send(b'{"v":1,"cmd":"status"}\n' * 1000)

    with running(attack):
        yield


@contextlib.contextmanager
def watching_unread(ws: Workstation) -> Iterator[None]:
    """Watchers that read nothing."""
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(ws.connect()).send({"v": 1, "cmd": "watch"})
        yield


def garbage(ws: Workstation) -> contextlib.AbstractContextManager[None]:
    """Bytes that are no message."""
    return again_and_again(ws, b"\x00\xff\xfe{" * 50 + b"\n")


def oversized(ws: Workstation) -> contextlib.AbstractContextManager[None]:
    """Three times what a message may have."""
    return again_and_again(ws, b"x" * 200_000 + b"\n")


def coming_and_going(ws: Workstation) -> contextlib.AbstractContextManager[None]:
    """Connections that ask for all and hang up at once."""
    return again_and_again(ws, b'{"v":1,"cmd":"acquire","binding":"connection","sharing":"nope"}\n')


ATTACKS: list[Attack] = [
    garbage,
    oversized,
    coming_and_going,
    half_messages,
    silent,
    byte_by_byte,
    never_reading,
    watching_unread,
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.__name__)
def test_others_do_not_notice(arbiter: Workstation, attack: Attack) -> None:
    with attack(arbiter):
        time.sleep(0.1)
        stalls_nobody(arbiter)
    stalls_nobody(arbiter)


def test_who_never_reads_does_not_fill_the_arbiter_s_memory(arbiter: Workstation) -> None:
    assert arbiter.arbiter
    stat = Path(f"/proc/{arbiter.arbiter.pid}/statm")
    before = int(stat.read_text().split()[1])
    with never_reading(arbiter):
        time.sleep(1.5)
        grown = (int(stat.read_text().split()[1]) - before) * resource.getpagesize()
    assert grown < 40 * 2**20, f"{grown / 2**20:.0f} MiB more"


def test_two_hundred_kilobytes_are_answered_with_the_limit(arbiter: Workstation) -> None:
    with arbiter.connect() as client:
        with contextlib.suppress(OSError):
            client.send(b"x" * 200_000 + b"\n")
        answer = client.receive()
    assert (answer["ok"], answer["code"]) == (False, "bad-request")
    assert "at most 65536 bytes" in answer["error"]


@pytest.mark.slow
def test_half_a_message_is_hung_up_on_in_the_end(arbiter: Workstation) -> None:
    with arbiter.connect(timeout=15) as client:
        client.send(b'{"cmd":', end=b"")
        started = time.monotonic()
        assert "no whole message within 10 s" in client.receive()["error"]
        assert 8 < time.monotonic() - started < 13


@pytest.mark.parametrize(
    ("front", "back"),
    [
        (b'{"v":1,"cmd":', b"}"),
        (b'{"cmd":"status","v":', b"}"),
        (b'{"v":1,"cmd":"acquire","sharing":"exclusive","wait_seconds":0,"gpu_ids":[', b"]}"),
        (b'{"v":1,"cmd":"evict","lease":', b"}"),
    ],
)
def test_no_depth_of_brackets_ends_the_arbiter(arbiter: Workstation, front: bytes, back: bytes) -> None:
    """Just below the depth that json refuses, showing the value in a message may be too deep."""
    limit = sys.getrecursionlimit()
    for depth in (*range(limit - 60, limit + 10), 5_000, 30_000):
        with arbiter.connect() as client:
            answer = client.ask(front + b"[" * depth + b"]" * depth + back + b"\n")
            said_no = answer.get("ok") is False or answer.get("event") == "refused"
            assert said_no, f"depth {depth}: {answer}; {arbiter.journal()[-800:]}"
    assert arbiter.arbiter
    assert arbiter.arbiter.poll() is None


def test_no_client_leaves_a_descriptor_behind(arbiter: Workstation) -> None:
    def open_files() -> int:
        assert arbiter.arbiter
        return len([*Path(f"/proc/{arbiter.arbiter.pid}/fd").iterdir()])

    arbiter.run("sentinel-request", "--", "true")
    arbiter.heals()
    before = open_files()
    for message in (b"{}\n", b"x\n", b'{"cmd":"status"}', b'{"v":1,"cmd":"acquire","wait_seconds":0}\n', b""):
        for _ in range(20):
            with arbiter.connect() as client:
                client.send(message)
    with arbiter.connect() as client:
        for _ in range(20):
            lease = arbiter.acquire(client).get("lease")
            client.ask({"v": 1, "cmd": "release", "lease": lease})
    arbiter.heals()
    eventually(lambda: open_files() <= before + 1, f"{before} were open before")


def test_connections_beyond_the_limit_are_told_so(workstation: Workstation) -> None:
    workstation.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300)))
    workstation.ready()
    refused = 0
    with contextlib.ExitStack() as stack:
        for _ in range(150):
            client = stack.enter_context(workstation.connect())
            with contextlib.suppress(OSError):
                client.send({"v": 1, "cmd": "watch"})
            answer = client.receive()
            refused += answer.get("code") == "overloaded"
    assert 30 <= refused <= 60
    eventually(lambda: not refuses(workstation), "it noticed that they have gone")
    workstation.heals()


def refuses(workstation: Workstation) -> bool:
    with workstation.connect() as client, contextlib.suppress(OSError):
        return client.ask({"v": 1, "cmd": "status"}).get("code") == "overloaded"
    return True


# ------------------------------------------------------------------ many


def crowd(arbiter: Workstation, count: int, *, ordered: bool) -> list[int]:
    """How they were served; the lease that they wait for ends once all have asked."""
    holder = arbiter.granted("--gpus", "2")
    process = arbiter.popen(
        sys.executable, "-I", "-S", CROWD, str(arbiter.socket), str(count), str(int(ordered))
    )
    assert process.stderr.readline() == "all have asked\n"
    if ordered:
        assert len(arbiter.status()["queue"]) == count
        assert statistics.median(latencies(arbiter, 5)) < 0.1
    holder.kill()
    out, err = process.communicate(timeout=50)
    assert (process.returncode, err) == (0, "")
    arbiter.heals()
    return [int(line) for line in out.split()]


@pytest.mark.slow
def test_five_hundred_clients_are_all_served_in_the_order_they_asked(arbiter: Workstation) -> None:
    assert crowd(arbiter, 500, ordered=True) == list(range(500))


@pytest.mark.slow
def test_five_hundred_clients_at_once_are_all_served(arbiter: Workstation) -> None:
    assert sorted(crowd(arbiter, 500, ordered=False)) == list(range(500))


def test_a_crowd_that_is_killed_while_it_waits_leaves_nothing(arbiter: Workstation) -> None:
    holder = arbiter.granted("--gpus", "2")
    process = arbiter.popen(
        sys.executable, "-I", "-S", CROWD, str(arbiter.socket), "100", "1", start_new_session=True
    )
    assert process.stderr.readline() == "all have asked\n"
    pids = [q["pid"] for q in arbiter.status()["queue"]]
    assert len(pids) == 100
    os.killpg(process.pid, signal.SIGKILL)
    eventually(lambda: not arbiter.status()["queue"], "nobody waits any more")
    assert not any(map(alive, pids))
    holder.kill()
    arbiter.heals()
