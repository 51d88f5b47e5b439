import json
import os
import signal
from collections.abc import Callable
from typing import Any

from tests.cli.own_terminal import Screen
from tests.cli.running import Cli
from tests.client.fake_controller import Request, WebSocket, a_job, problem

ID = "abcdefghjk"
RUNNING = a_job(ID, "RUNNING", attempt=1, spec={"pty": True})


def terminal(cli: Cli, served: Callable[[WebSocket], None]) -> None:
    def attach(request: Request) -> None:
        assert request.headers["Authorization"] == "Bearer snt_x"
        served(WebSocket(request))

    cli.answers("POST jobs", RUNNING)
    cli.answers(f"GET jobs/{ID}", RUNNING)
    cli.answers(f"GET jobs/{ID}/attach", attach)


def screen(cli: Cli, *words: str) -> Screen:
    return Screen({**os.environ, **cli.fake.environment(), "TERM": "xterm"}, *words)


def test_keys_output_size_and_exit_status(cli: Cli) -> None:
    got: list[Any] = []

    def served(socket: WebSocket) -> None:
        got.append(socket.receive())  # the size comes first
        socket.send(b"$ \xf0\x9f\x92\xa1")
        typed = b""
        while not typed.endswith(b"\r"):
            frame = socket.receive()
            assert isinstance(frame, bytes)
            typed += frame
        got.append(typed)
        socket.send(b"resize now")
        got.append(socket.receive())
        socket.send(json.dumps({"exit": 7}))
        socket.close()

    terminal(cli, served)
    with screen(cli, "run", "--pty", "--cwd", "/", "--", "bash") as shown:
        shown.shows("$ ")
        shown.press("\x03\x1a\x04x\r")  # Ctrl-C, Ctrl-Z and Ctrl-D are the job's
        shown.shows("resize now")
        shown.resize(120, 40)
        shown.ended(7)
    assert got == ['{"resize": [24, 80]}', b"\x03\x1a\x04x\r", '{"resize": [40, 120]}']
    sent = cli.fake.asked("POST jobs")[0].json
    assert sent["pty"] is True
    assert sent["environment"]["TERM"] == "xterm"


def test_leaving_lets_the_job_go_on(cli: Cli) -> None:
    def served(socket: WebSocket) -> None:
        socket.receive()
        socket.send(b"ready")
        while socket.receive() is not None:
            pass

    terminal(cli, served)
    with screen(cli, "job", "attach", ID) as shown:
        shown.shows("ready")
        shown.press("\r~.")
        shown.ended(0)
        assert f"job {ID} goes on; get back: sentinel job attach {ID}" in shown.shown


def test_a_connection_that_breaks(cli: Cli) -> None:
    def served(socket: WebSocket) -> None:
        socket.receive()
        socket.close(1013, "the job's node did not answer")

    terminal(cli, served)
    with screen(cli, "job", "attach", ID) as shown:
        shown.ended(1)
        assert "broke: the job's node did not answer" in shown.shown.replace("\r\n", " ")


def test_an_unknown_exit_is_what_the_job_says(cli: Cli) -> None:
    ended = a_job(ID, "FAILED", attempt=1, signal=9, reason="ended by signal 9", spec={"pty": True})

    def served(socket: WebSocket) -> None:
        socket.receive()
        cli.answers(f"GET jobs/{ID}", ended)
        socket.send('{"exit": null}')
        socket.close()

    terminal(cli, served)
    with screen(cli, "job", "attach", ID) as shown:
        shown.ended(137)


def test_sigterm_puts_the_terminal_back(cli: Cli) -> None:
    def served(socket: WebSocket) -> None:
        socket.receive()
        socket.send(b"ready")
        while socket.receive() is not None:
            pass

    terminal(cli, served)
    with screen(cli, "job", "attach", ID) as shown:
        shown.shows("ready")
        os.kill(shown.process.pid, signal.SIGTERM)
        shown.ended(143)


def test_jobs_that_have_none(cli: Cli) -> None:
    cli.answers(f"GET jobs/{ID}", a_job(ID, "RUNNING"))
    with screen(cli, "job", "attach", ID) as shown:
        shown.ended(2)
        assert "sentinel job logs -f" in shown.shown.replace("\r\n", " ")
    cli.answers(f"GET jobs/{ID}", RUNNING)
    cli.answers(f"GET jobs/{ID}/attach", problem(403, "only its owner may", "ask them"))
    with screen(cli, "job", "attach", ID) as shown:
        shown.ended(1)
        assert "only its owner may (ask them)" in shown.shown
