"""Jobs on a terminal of their own: what is typed and shown, resizing, detaching, slow readers."""

import json
import os
import select
import struct
import time
from pathlib import Path

import pytest
from tests.e2e.workstation import eventually
from tests.supervisor.supervised import Agent, Supervised

from sentinel.supervisor.wire import frame, frames_in


class Seat:
    """Who sits at a terminal."""

    def __init__(self, node: Supervised, token: str) -> None:
        self.agent = node.connect(hello=False)
        self.agent.say(cmd="attach", token=token)
        self.answer = self.agent.receive()
        self.shown = b""
        self.end: dict[str, object] | None = None
        self._in = bytearray(self.agent._in)  # pyright: ignore[reportPrivateUsage]

    def type(self, data: bytes) -> None:
        self.agent.sock.sendall(frame(b"d", data))

    def resize(self, rows: int, columns: int) -> None:
        self.agent.sock.sendall(frame(b"r", struct.pack("!HH", rows, columns)))

    def look(self, seconds: float = 0.05) -> bytes:
        if select.select([self.agent.sock], [], [], seconds)[0]:
            self._in += self.agent.sock.recv(1 << 16)
        for kind, data in frames_in(self._in):
            if kind == b"d":
                self.shown += data
            else:
                self.end = json.loads(data)
        return self.shown

    def sees(self, text: bytes) -> None:
        eventually(lambda: text in self.look(), f"{text!r} is shown; so far {self.shown[-300:]!r}")

    def sees_the_end(self) -> dict[str, object]:
        eventually(lambda: self.look() is not None and self.end is not None, "the end")
        assert self.end is not None
        return self.end


def running(node: Supervised, agent: Agent, *command: str, **fields: object) -> str:
    token = node.launch(agent, *command, pty=True, **fields)
    agent.until(token, "running")
    return token


def test_what_is_typed_arrives_and_what_is_shown_too(node: Supervised, agent: Agent) -> None:
    token = running(node, agent, "sh", "-c", 'tty; stty size; read line; echo "got $line"; exit 7')
    seat = Seat(node, token)
    assert seat.answer == {"event": "attached", "token": token}
    seat.sees(b"/dev/pts/")
    seat.type(b"hello \xc3\xa4\n")
    seat.sees(b"got hello \xc3\xa4")
    assert seat.sees_the_end() == {"exit_code": 7, "signal": None}
    assert agent.ended(token)["exit_code"] == 7
    assert "got hello ä" in node.log()
    assert seat.agent.sock.recv(10) == b""


def test_ctrl_c_reaches_the_foreground(node: Supervised, agent: Agent) -> None:
    token = running(node, agent, "sh", "-c", "trap 'echo caught; exit 3' INT; echo ready; sleep 60 & wait")
    seat = Seat(node, token)
    seat.sees(b"ready")
    seat.type(b"\x03")
    seat.sees(b"caught")
    assert agent.ended(token)["exit_code"] == 3


def test_it_is_resized(node: Supervised, agent: Agent) -> None:
    token = running(
        node, agent, "bash", "-c", "trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done"
    )
    seat = Seat(node, token)
    seat.sees(b"ready")
    seat.resize(33, 120)
    seat.sees(b"33 120")


def test_detaching_leaves_it_running_and_who_comes_back_sees_what_was_shown(
    node: Supervised, agent: Agent
) -> None:
    token = running(node, agent, "sh", "-c", "echo before; read a; echo while; read b; echo last")
    seat = Seat(node, token)
    seat.sees(b"before")
    seat.type(b"x\n")
    seat.sees(b"while")
    seat.agent.close()
    again = Seat(node, token)
    again.sees(b"before")
    again.sees(b"while")
    third = Seat(node, token)
    eventually(lambda: (again.look() is not None and again.agent.sock.recv(10) == b"") or False)
    third.type(b"y\n")
    third.sees(b"last")
    assert agent.ended(token)["exit_code"] == 0


def test_nobody_needs_to_sit_there(node: Supervised, agent: Agent) -> None:
    token = running(node, agent, "sh", "-c", "seq 1 20000; echo done")
    assert agent.ended(token)["exit_code"] == 0
    assert node.log().endswith("20000\r\ndone\r\n")


def test_who_reads_slowly_holds_up_the_job_and_nobody_else(node: Supervised, agent: Agent) -> None:
    token = running(node, agent, "sh", "-c", "seq 1 1000000; echo done")
    seat = Seat(node, token)
    time.sleep(0.3)
    assert agent.ended(node.launch(agent, "true"))["exit_code"] == 0
    size = (node.dir / "logs/job1.1.log").stat().st_size
    assert size < 5_000_000
    assert node.process
    resident = int(Path(f"/proc/{node.process.pid}/statm").read_text().split()[1]) * 4096
    assert resident < 100_000_000
    end = time.monotonic() + 20
    while seat.end is None and time.monotonic() < end:
        seat.look()
    assert seat.shown.endswith(b"1000000\r\ndone\r\n")
    assert seat.end == {"exit_code": 0, "signal": None}


def test_what_is_typed_to_one_that_does_not_read_does_not_pile_up(node: Supervised, agent: Agent) -> None:
    token = running(node, agent, "sh", "-c", "stty raw -echo; echo ready; sleep 60")
    seat = Seat(node, token)
    seat.sees(b"ready")
    seat.agent.sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        for _ in range(1000):
            seat.type(b"x" * 60_000)
    assert agent.ended(node.launch(agent, "true"))["exit_code"] == 0


def test_a_shell_that_ignores_term_is_hung_up_on(node: Supervised, agent: Agent) -> None:
    token = running(
        node, agent, "bash", "--norc", "-i", environment={"PATH": os.environ["PATH"], "PS1": "ready$ "}
    )
    seat = Seat(node, token)
    seat.sees(b"ready$ ")
    seat.type(b"sleep 60\n")
    eventually(lambda: len(node.processes(token)) == 2)
    agent.say(cmd="stop", token=token, why="canceled", grace=30)
    assert agent.ended(token, seconds=3)["stopped"]
    eventually(lambda: not node.processes(token))


def test_one_without_a_terminal_cannot_be_sat_at(node: Supervised, agent: Agent) -> None:
    token = node.launch(agent, "sleep", "60")
    agent.until(token, "running")
    assert Seat(node, token).answer["event"] == "error"


def test_a_terminal_outlives_its_supervisor(node: Supervised, agent: Agent) -> None:
    token = running(node, agent, "sh", "-c", "echo before; read a; echo got $a; exit 4")
    seat = Seat(node, token)
    seat.sees(b"before")
    agent = node.restart()
    assert agent.records[token]["phase"] == "running"
    again = Seat(node, token)
    again.type(b"it\n")
    again.sees(b"got it")
    event = agent.ended(token)
    assert event["exit_code"] in (4, None)
    assert event["exit_code"] == 4 or "not known" in event["why"]
    assert node.log() == "before\r\nit\r\ngot it\r\n"


@pytest.mark.root
def test_a_terminal_is_its_users(node: Supervised) -> None:
    node.options = ("--run-as", "nobody")
    agent = node.start()
    token = running(
        node, agent, "sh", "-c", "id -un; echo to the terminal >/dev/tty; exec 9<>$(tty) && echo opened"
    )
    assert agent.ended(token)["exit_code"] == 0
    assert node.log() == "nobody\r\nto the terminal\r\nopened\r\n"
