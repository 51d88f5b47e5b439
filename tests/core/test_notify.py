"""Telling systemd, and writing lines for the journal."""

import io
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sentinel.core.notify import Journal, Supervisor


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(path)
        listening.settimeout(2)
        yield path, listening


def test_lines_go_out_as_one_datagram(manager: tuple[str, socket.socket]) -> None:
    path, listening = manager
    Supervisor({"NOTIFY_SOCKET": path}).tell("READY=1", "STATUS=IDLE: none")
    assert listening.recv(4096) == b"READY=1\nSTATUS=IDLE: none"


def test_an_abstract_address_is_meant_by_the_at_sign() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0sentinel-test-notify")
        listening.settimeout(2)
        Supervisor({"NOTIFY_SOCKET": "@sentinel-test-notify"}).tell("READY=1")
        assert listening.recv(4096) == b"READY=1"


@pytest.mark.parametrize("env", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_nobody_listening_is_no_trouble(env: dict[str, str]) -> None:
    Supervisor(env).tell("READY=1")


def test_a_manager_that_does_not_read_blocks_nobody(manager: tuple[str, socket.socket]) -> None:
    supervisor = Supervisor({"NOTIFY_SOCKET": manager[0]})
    for _ in range(5000):
        supervisor.tell("WATCHDOG=1" * 100)


@pytest.mark.parametrize(
    ("env", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "x"}, None),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
    ],
)
def test_the_watchdog_is_ours_only_if_it_is_meant_for_us(env: dict[str, str], seconds: float | None) -> None:
    assert Supervisor(env).watchdog_seconds == seconds


def test_lines_for_people_and_for_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    out = io.StringIO()
    journal = Journal(out)
    journal.write("info", "granted")
    journal.write("warning", "slow")
    assert out.getvalue() == "sentinel-arbiter: granted\nsentinel-arbiter: warning: slow\n"
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    out = io.StringIO()
    journal = Journal(out)
    for level in ("error", "warning", "info"):
        journal.write(level, level)
    assert out.getvalue() == "<3>error\n<4>warning\n<6>info\n"


def test_nobody_s_text_forges_a_line() -> None:
    out = io.StringIO()
    Journal(out).write("info", "granted to \x1b[2J\n<0>kernel panic")
    assert out.getvalue().count("\n") == 1
    assert "\x1b" not in out.getvalue()


def test_a_stream_that_is_gone_is_no_trouble() -> None:
    out = io.StringIO()
    out.close()
    Journal(out).write("info", "x")
