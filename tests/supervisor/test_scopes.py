"""Asking systemd for scopes: the messages, and a systemd that refuses, is slow or goes away."""

import os
import selectors
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.clock import boottime
from sentinel.supervisor import scopes as scopes_module
from sentinel.supervisor.cgroups import cgroup_of, processes_in
from sentinel.supervisor.dbus import message, read_message
from sentinel.supervisor.scopes import PATIENCE, Scopes


def answer(kind: int, signature: str, values: tuple[Any, ...], **fields: tuple[str, Any]) -> bytes:
    """A message as systemd would send it, from one of ours."""
    numbers = {"reply": 5, "error": 4, "member": 3}
    body = message(1, "/", "i", "m", list(zip(signature, values, strict=True)))
    length = struct.unpack_from("<I", body, 4)[0]
    body = body[len(body) - length :] if length else b""
    head = bytearray(struct.pack("<cBBBII", b"l", kind, 0, 1, length, 9))
    array = bytearray()
    for name, (inner, value) in {**fields, **({"signature": ("g", signature)} if signature else {})}.items():
        array += b"\0" * (-len(array) % 8)
        array += bytes([numbers.get(name, 8), 1]) + inner.encode() + b"\0"
        if inner == "u":
            array += struct.pack("<I", value)
        elif inner == "g":
            array += bytes([len(value)]) + value.encode() + b"\0"
        else:
            array += struct.pack("<I", len(value)) + value.encode() + b"\0"
    head += struct.pack("<I", len(array)) + array
    head += b"\0" * (-len(head) % 8)
    return bytes(head) + body


@given(st.lists(st.tuples(st.sampled_from("sou"), st.integers(0, 2**32 - 1)), max_size=5), st.integers(1, 9))
def test_messages_survive_being_cut_anywhere(arguments: list[tuple[str, int]], part: int) -> None:
    values = [(kind, value if kind == "u" else f"ä{value}") for kind, value in arguments]
    stream = message(5, "/path", "interface", "Member", values) * 2
    buffer = bytearray()
    found: list[Any] = []
    for start in range(0, len(stream), part):
        buffer += stream[start : start + part]
        while (one := read_message(buffer)) is not None:
            found.append(one)
    assert [one.values for one in found] == [tuple(value for _, value in values)] * 2
    assert {one.member for one in found} == {"Member"}


def test_a_message_is_as_the_specification_says() -> None:
    data = message(3, "/o", "i.i", "M", [("s", "ab"), ("a(sv)", [("k", ("u", 7))])])
    assert data[:8] == b"l\x01\x00\x01" + struct.pack("<I", 32)
    body = struct.pack("<I", 2) + b"ab\0" + b"\0" + struct.pack("<I", 16) + b"\0" * 4
    body += struct.pack("<I", 1) + b"k\0" + b"\x01u\0" + b"\0" * 3 + struct.pack("<I", 7)
    assert data.endswith(body)
    assert len(data) % 8 == len(body) % 8


class Systemd:
    """A systemd that says what a test wants."""

    def __init__(self, path: Path) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.selector = selectors.DefaultSelector()
        self.notes: list[str] = []
        self.entered: list[str] = []
        self.scopes = Scopes(self.selector, self.notes.append, str(path))
        self.peer: socket.socket | None = None

    def enter(self, pid: int) -> int:
        """The number of the call that asks for the scope."""
        self.scopes.enter("j", 1, pid, self.entered.append)
        if self.peer is None:
            self.peer, _ = self.listener.accept()
        data = self.peer.recv(65536)
        greeting, _, rest = data.partition(b"BEGIN\r\n")
        buffer = bytearray(rest if rest else greeting)
        numbers: list[int] = []
        while len(buffer) >= 16:
            numbers.append(struct.unpack_from("<I", buffer, 8)[0])
            assert read_message(buffer) is not None
        return numbers[-1]

    def say(self, data: bytes) -> None:
        assert self.peer
        self.peer.sendall(data)
        self.turn()

    def turn(self) -> None:
        for key, mask in self.selector.select(1):
            key.data(mask)

    def close(self) -> None:
        self.listener.close()
        if self.peer:
            self.peer.close()
        self.turn()
        self.selector.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    new = Systemd(tmp_path / "private")
    yield new
    new.close()


def returned(number: int, job: str = "/job/1") -> bytes:
    return answer(2, "o", (job,), reply=("u", number))


def removed(result: str, job: str = "/job/1") -> bytes:
    values = (1, job, "sentinel-job-j-1.scope", result)
    return answer(4, "uoss", values, member=("s", "JobRemoved"))


def test_it_is_told_when_it_is_there(systemd: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scopes_module, "cgroup_of", lambda _pid: "/cg/system.slice/sentinel-job-j-1.scope")
    number = systemd.enter(5)
    systemd.say(b"OK 0123\r\n" + returned(number))
    systemd.say(removed("done", "/job/another"))
    assert systemd.entered == []
    systemd.say(removed("done"))
    assert systemd.entered == ["/cg/system.slice/sentinel-job-j-1.scope"]
    assert systemd.notes == []
    assert systemd.scopes.next_deadline() is None


@pytest.mark.parametrize("case", ["error", "failed", "elsewhere", "gone", "rubbish", "slow", "no"])
def test_without_it_the_job_goes_on(systemd: Systemd, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    monkeypatch.setattr(scopes_module, "cgroup_of", lambda _pid: "/cg/elsewhere")
    number = systemd.enter(5)
    error = answer(3, "s", ("in use",), reply=("u", number), error=("s", "org.UnitExists"))
    if case == "error":
        systemd.say(b"OK 0123\r\n" + error)
    elif case == "failed":
        systemd.say(b"OK 0123\r\n" + returned(number) + removed("failed"))
    elif case == "elsewhere":
        systemd.say(b"OK 0123\r\n" + returned(number) + removed("done"))
    elif case == "gone":
        assert systemd.peer
        systemd.peer.close()
        systemd.turn()
    elif case == "rubbish":
        systemd.say(b"OK 0123\r\n" + b"\xff" * 64)
    elif case == "no":
        systemd.say(b"REJECTED EXTERNAL\r\n")
    else:
        systemd.scopes.due(boottime() + PATIENCE - 1)
        assert systemd.entered == []
        systemd.scopes.due(boottime() + PATIENCE + 1)
    assert systemd.entered == [""]
    assert len(systemd.notes) == 1
    assert "sentinel-job-j-1.scope cannot be made, its job runs without: " in systemd.notes[0]


def test_after_systemd_went_away_it_is_asked_again(systemd: Systemd) -> None:
    systemd.enter(5)
    assert systemd.peer
    systemd.peer.close()
    systemd.turn()
    systemd.peer = None
    assert systemd.enter(6) > 0
    systemd.listener.close()
    assert systemd.peer
    systemd.peer.close()
    systemd.turn()
    systemd.scopes.enter("j", 1, 7, systemd.entered.append)
    assert systemd.entered == ["", "", ""]


def test_cgroups_as_they_are_here() -> None:
    assert cgroup_of(os.getpid()) is not None
    assert cgroup_of(2**22 - 3) is None
    assert processes_in("/sys/fs/cgroup/no-such") == []
