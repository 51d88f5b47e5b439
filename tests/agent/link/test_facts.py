"""What the controller is told of a node beside its GPUs."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from sentinel.agent.link import facts
from sentinel.agent.link.arbiter_view import Arbiter, ArbiterView, NoArbiter, SilentArbiter
from sentinel.agent.link.facts import Surroundings, address_towards, memory_bytes, sharing
from sentinel.core.node import Sharing


class Network:
    """By which address of ours each other one is reached; a host of no address has no way to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **ways: str) -> None:
        self.ways = {name.replace("_", "."): way for name, way in ways.items()}
        self.asked: list[str] = []
        monkeypatch.setattr(facts, "_ours_towards", self.ours)

    def ours(self, host: str, port: int) -> str:
        self.asked.append(f"{host}:{port}")
        return self.ways.get(host, "")


def test_the_address_on_the_way_to_the_controller(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(monkeypatch, gpu_example="10.1.2.3")
    assert address_towards("https://gpu.example:8443") == "10.1.2.3"
    assert network.asked == ["gpu.example:8443"]


@pytest.mark.parametrize("own", ["127.0.0.1", "::1", ""])
def test_on_the_controllers_own_machine_the_one_on_the_way_out(
    monkeypatch: pytest.MonkeyPatch, own: str
) -> None:
    network = Network(monkeypatch, localhost=own)
    assert address_towards("https://localhost:1") == ""
    network.ways["2001:db8::1"] = "fd00::7"
    assert address_towards("https://localhost:1") == "fd00::7"
    network.ways["192.0.2.1"] = "192.168.0.7"
    assert address_towards("https://localhost:1") == "192.168.0.7"


def test_the_kernel_is_asked_and_nothing_is_sent() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        port = listener.getsockname()[1]
        assert facts._ours_towards("127.0.0.1", port) == "127.0.0.1"
        with pytest.raises(BlockingIOError):
            listener.recv(1)
    assert facts._ours_towards("no such host", 1) == ""


def test_it_is_looked_for_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    network, now = Network(monkeypatch, c="10.0.0.1"), [5.0]
    around = Surroundings("https://c", None, lambda: now[0])
    assert around.facts(Sharing.NO).address == "10.0.0.1"
    network.ways["c"] = "10.0.0.2"
    assert around.facts(Sharing.NO).address == "10.0.0.1" and network.asked == ["c:443"]
    now[0] += 60
    assert around.facts(Sharing.NO).address == "10.0.0.2"


def test_what_was_said_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(monkeypatch, c="10.0.0.1")
    found = Surroundings("https://c", "ib0.gpu-01", lambda: 0.0).facts(Sharing.MPS)
    assert found.address == "ib0.gpu-01" and network.asked == []
    assert found.json() == {
        "address": "ib0.gpu-01",
        "cpus": len(os.sched_getaffinity(0)),
        "memory_bytes": memory_bytes(),
        "sharing": "mps",
    }


def test_memory(tmp_path: Path) -> None:
    path = tmp_path / "meminfo"
    assert memory_bytes(path) is None
    for text, expected in (
        ("MemFree: 3 kB\nMemTotal:       2048 kB\n", 2 << 20),
        ("MemTotal:\n", None),
        ("MemTotal: much kB\n", None),
        ("", None),
    ):
        path.write_text(text)
        assert memory_bytes(path) == expected
    assert (memory_bytes() or 0) > 0


@pytest.mark.parametrize(
    ("arbiter", "more", "expected"),
    [
        (NoArbiter(), {}, Sharing.UNENFORCED),
        (NoArbiter(), {"mps": True}, Sharing.MPS),
        (NoArbiter(), {"mps": True, "share_gpus": False}, Sharing.NO),
        (ArbiterView(), {"mps": True}, Sharing.NO),
        (SilentArbiter(why="it hangs"), {}, Sharing.NO),
    ],
)
def test_sharing(arbiter: Arbiter, more: dict[str, Any], expected: Sharing) -> None:
    assert sharing(arbiter, **{"mps": False, "share_gpus": True, **more}) is expected
