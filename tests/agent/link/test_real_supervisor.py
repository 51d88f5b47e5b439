"""The link with the supervisor that it starts itself, and jobs that are real processes."""

import asyncio
import contextlib
import json
import os
import pwd
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.agent.link import wants
from tests.agent.link.test_link import Node

from sentinel.agent.link.line import SOCKET
from sentinel.agent.link.supervisor_start import SupervisorSettings, start_supervisor
from sentinel.core.errors import SentinelError

PATIENCE = 10.0
USER = pwd.getpwuid(os.geteuid()).pw_name


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


class RealNode(Node):
    def start_supervisor(self) -> None:
        self.starts += 1
        start_supervisor(SupervisorSettings(folder=self.folder, run_as=USER))

    def ask(self, **command: Any) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(PATIENCE)
            sock.connect(str(self.folder / SOCKET))
            sock.sendall(json.dumps(command).encode() + b"\n")
            line = sock.makefile().readline()
        return json.loads(line) if line else {}

    def supervisor_pid(self) -> int:
        assert self.link is not None
        return self.until(lambda: self.link.line_pid, "there is a supervisor")  # pyright: ignore

    def close(self) -> None:
        super().close()
        with contextlib.suppress(OSError):
            self.ask(cmd="end", jobs=True)


def job(name: str, command: str, **more: Any) -> dict[str, Any]:
    environment = {"PATH": os.environ["PATH"]}
    spec = {"command": ["/bin/sh", "-c", command], "grace": 2.0, **more.pop("spec", {})}
    return wants.raw(name, environment=environment, spec=spec, **more)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealNode]:
    from sentinel.agent.link import backoff, beats

    monkeypatch.setattr(beats, "_SPACING", 0.01)
    monkeypatch.setattr(backoff.Backoff.__init__, "__defaults__", (0.01, 0.05, lambda: 0.5))
    defaults = dict(beats.Beats.__init__.__kwdefaults__ or {})
    monkeypatch.setattr(beats.Beats.__init__, "__kwdefaults__", {**defaults, "every": 0.1})
    node = RealNode(tmp_path)
    yield node
    node.close()


def test_a_job_runs_and_its_output_and_code_arrive(node: RealNode) -> None:
    node.agent()
    node.controller.want(job("j1", "echo hello; exit 3"))
    node.hears("t-j1", "exited")
    exited = node.controller.reports[-1]
    assert (exited["exit_code"], exited["signal"]) == (3, None)
    node.until(lambda: ("j1", 1) in node.controller.complete, "its output is complete")
    assert bytes(node.controller.logs["j1", 1]) == b"hello\n"
    node.until(lambda: node.controller.beats and node.controller.beats[-1]["held"] == [], "it is forgotten")


def test_many_at_once_each_once(node: RealNode) -> None:
    node.agent()
    names = [f"j{number}" for number in range(40)]
    node.controller.want(*[job(name, "exit 0", gpus=[]) for name in names])
    for name in names:
        node.hears(f"t-{name}", "exited")
    for name in names:
        assert node.controller.kinds(f"t-{name}").count("exited") == 1
    assert len(node.controller.batches) < len(names) * 3, "what gathers goes together"


def test_a_stop_ends_it(node: RealNode) -> None:
    node.agent()
    node.controller.want(job("j1", "sleep 600"))
    node.hears("t-j1", "running")
    node.controller.want(job("j1", "sleep 600", want="stop", why="canceled by ada", state="RUNNING"))
    node.hears("t-j1", "exited")
    exited = node.controller.reports[-1]
    assert (exited["signal"], exited["stopped"]) == (signal.SIGTERM, True)


def test_it_outlives_the_agent_and_a_supervisor_that_was_killed(node: RealNode, tmp_path: Path) -> None:
    go = tmp_path / "go"
    node.agent()
    node.controller.want(job("j1", f"while [ ! -e {go} ]; do sleep 0.05; done; echo done"))
    node.hears("t-j1", "running")
    first = node.supervisor_pid()
    os.kill(first, signal.SIGKILL)
    node.until(lambda: node.starts == 2 and node.link and node.link.line_pid not in (None, first), "anew")
    node.agent()
    assert node.starts == 2
    node.until(lambda: node.controller.beats and node.controller.beats[-1]["held"] == ["t-j1"], "it is named")
    go.touch()
    node.hears("t-j1", "exited")
    exited = node.controller.reports[-1]
    assert exited["exit_code"] == 0 or (exited["exit_code"] is None and exited["why"]), (
        "seen, or not invented"
    )
    node.until(lambda: ("j1", 1) in node.controller.complete, "its output is complete")
    assert bytes(node.controller.logs["j1", 1]) == b"done\n"


def test_one_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(SentinelError, match=r"the supervisor did not start: .*no-such-user"):
        start_supervisor(SupervisorSettings(folder=tmp_path / "n", run_as="no-such-user"))


def test_a_terminal_both_ways(node: RealNode) -> None:
    """Through a web socket to the controller, as `sentinel run --pty` has it at the other end."""
    node.agent()
    node.controller.want(job("j1", 'read line; echo "got $line"; stty size; exit 4', spec={"pty": True}))
    node.hears("t-j1", "running")
    with terminal_server(node) as seen:
        assert node.link is not None
        node.link._attaching._credentials.membership = replace(node.membership, url=seen.url)
        node.controller.want(
            job("j1", "x", spec={"pty": True}, state="RUNNING"),
            attach=[{"job": "j1", "attempt": 1, "session": "s1"}],
        )
        node.until(lambda: seen.exit is not None, "it ended")
        assert b"got typed" in seen.shown and b"33 99" in seen.shown
        assert seen.exit == {"exit": 4}
        assert seen.paths == ["/api/v1/agent/attach/s1"]


def test_a_terminal_of_a_job_that_has_ended_shows_what_it_showed(node: RealNode) -> None:
    node.agent()
    node.controller.want(job("j1", "echo quick; exit 4", spec={"pty": True}))
    node.hears("t-j1", "exited")
    with terminal_server(node) as seen:
        assert node.link is not None
        node.link._attaching._credentials.membership = replace(node.membership, url=seen.url)
        node.controller.want(attach=[{"job": "j1", "attempt": 1, "session": "s1"}])
        node.until(lambda: seen.exit is not None, "it ended")
        assert b"quick" in seen.shown and seen.exit == {"exit": 4}


class Seen:
    def __init__(self) -> None:
        self.url = ""
        self.paths: list[str] = []
        self.shown = b""
        self.exit: dict[str, Any] | None = None


@contextlib.contextmanager
def terminal_server(node: Node) -> Iterator[Seen]:
    """The controller's end of a terminal: resizes it, types a line, keeps what is shown."""
    from websockets.asyncio.server import ServerConnection, serve
    from websockets.exceptions import ConnectionClosed

    seen = Seen()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    folder = node.controller.folder
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    stopping = asyncio.Event()
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    async def talk(web: ServerConnection) -> None:
        assert web.request is not None
        seen.paths.append(web.request.path)
        await web.send(json.dumps({"resize": [33, 99]}))
        await asyncio.sleep(0.1)
        with contextlib.suppress(ConnectionClosed):  # it may have ended by then
            await web.send(b"typed\n")
        async for message in web:
            if isinstance(message, bytes):
                seen.shown += message
            else:
                seen.exit = json.loads(message)

    async def run() -> None:
        async with serve(talk, "127.0.0.1", 0, ssl=context) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            seen.url = f"https://127.0.0.1:{port}"
            ready.set()
            await stopping.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        yield seen
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(PATIENCE)
        loop.close()


def test_the_supervisor_is_nobodys_child(node: RealNode) -> None:
    node.agent()
    pid = node.supervisor_pid()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    assert int(fields[2]) != os.getpgid(0) and int(fields[3]) != os.getsid(0)
    assert int(fields[1]) != os.getpid()
    node.close()
    deadline = time.monotonic() + PATIENCE
    while not gone(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)
