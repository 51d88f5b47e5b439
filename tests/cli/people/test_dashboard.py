"""`sentinel dashboard`: an address for a browser, and how the browser alone gets to know it."""

import json
import os
import socket
import threading
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import pytest
from tests.cli.running import Cli
from tests.client.fake_controller import problem

from sentinel.cli.people import dashboard, sending_on
from sentinel.cli.people.dashboard import has_desktop
from sentinel.cli.people.sending_on import owner_of, send_on

MADE = {"code": "snc_x_1", "user": "bob", "expires_at": "2026-11-26T18:00:00Z"}
ADDRESS = "https://gpus.test:8443/#code=snc_x_1"


class Stop(urllib.request.HTTPRedirectHandler):
    """Where it is sent, it does not go."""

    def redirect_request(self, *_: Any) -> None:
        return None


def visit(page: str) -> tuple[int, str | None]:
    """What a browser gets: status, and where it is sent."""
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({}), Stop).open(page, timeout=10)
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers["Location"]
    raise AssertionError("it was not sent anywhere")


Went = SimpleQueue[tuple[int, str | None]]


def browser(found: Went) -> Callable[[str], bool]:
    """Starts one that goes there at once, in a thread, as a real one does in a process."""

    def open_page(page: str) -> bool:
        threading.Thread(target=lambda: found.put(visit(page)), daemon=True).start()
        return True

    return open_page


# ------------------------------------------------------------------ the command


def test_it_prints_an_address_with_the_code_where_no_server_sees_it(cli: Cli) -> None:
    cli.answers("POST session/codes", MADE)
    done = cli("dashboard")
    assert (done.status, done.out) == (0, f"{cli.fake.url}/#code=snc_x_1\n")
    assert done.err == "sentinel: it signs bob in, once, within 60 seconds\n"


def test_for_programs(cli: Cli) -> None:
    cli.answers("POST session/codes", MADE)
    done = cli("dashboard", "--json")
    assert json.loads(done.out) == {
        "url": f"{cli.fake.url}/#code=snc_x_1",
        "user": "bob",
        "expires_at": "2026-11-26T18:00:00Z",
    }
    assert done.err == ""


def test_what_the_controller_refuses_is_said(cli: Cli) -> None:
    cli.answers("POST session/codes", problem(429, "too many attempts to log in", "try again in 6 s"))
    done = cli("dashboard")
    assert (done.status, done.out) == (1, "")
    assert "try again in 6 s" in done.err


def test_no_token_is_said_before_anything_is_asked(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENTINEL_TOKEN")
    done = cli("dashboard")
    assert (done.status, done.out, cli.fake.requests) == (2, "", [])
    assert "sentinel login" in done.err


def test_the_browser_is_started_without_the_code_on_its_command_line(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.answers("POST session/codes", MADE)
    monkeypatch.setenv("DISPLAY", ":0")
    started: list[str] = []
    went: Went = SimpleQueue()

    def open_page(page: str) -> bool:
        started.append(page)
        return browser(went)(page)

    monkeypatch.setattr(webbrowser, "open", open_page)
    done = cli("dashboard", "--open")
    assert (done.status, done.out) == (0, f"{cli.fake.url}/#code=snc_x_1\n")
    assert "yourself" not in done.err
    assert len(started) == 1 and "snc_" not in started[0]


def test_where_there_is_no_desktop_or_no_browser_it_says_so(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.answers("POST session/codes", MADE)
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    done = cli("dashboard", "--open")
    assert (done.status, "no desktop" in done.err) == (0, True)
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    done = cli("dashboard", "--open")
    assert (done.status, "no browser came" in done.err) == (0, True)
    assert done.out.endswith("#code=snc_x_1\n")


@pytest.mark.parametrize(
    ("environment", "platform", "is_one"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ""}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "darwin", True),
    ],
)
def test_what_a_desktop_is(environment: dict[str, str], platform: str, is_one: bool) -> None:
    assert has_desktop(environment, platform) is is_one


def test_its_help_says_what_to_do_behind_a_tunnel(cli: Cli) -> None:
    done = cli("dashboard", "--help")
    assert "--open" in done.out and "tunnel" in done.out
    assert dashboard.command.__doc__


# ------------------------------------------------------------------ sending a browser on


def test_a_browser_of_this_user_is_sent_on() -> None:
    went: Went = SimpleQueue()
    assert send_on(ADDRESS, browser(went), seconds=20)
    assert went.get(timeout=10) == (302, ADDRESS)


def test_somebody_elses_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    heard: list[bytes] = []

    def open_page(page: str) -> bool:
        host, _, rest = page.removeprefix("http://").partition(":")
        port, _, path = rest.partition("/")
        with socket.create_connection((host, int(port)), timeout=10) as one:
            one.sendall(f"GET /{path} HTTP/1.1\r\n\r\n".encode())
            try:
                heard.append(one.recv(4096))
            except ConnectionError:
                heard.append(b"")
        return False

    assert not send_on(ADDRESS, open_page, seconds=20)
    assert heard == [b""]


def test_another_page_is_not_it_and_does_not_end_it() -> None:
    went: Went = SimpleQueue()

    def open_page(page: str) -> bool:
        went.put(visit(page.rpartition("/")[0] + "/favicon.ico"))
        went.put(visit(page))
        return True

    assert send_on(ADDRESS, open_page, seconds=20)
    assert [went.get(timeout=10) for _ in range(2)] == [(404, None), (302, ADDRESS)]


def test_a_browser_that_does_not_come_is_not_waited_for_for_ever() -> None:
    assert not send_on(ADDRESS, lambda _: True, seconds=0.3)


def test_whose_a_connection_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        here = door.getsockname()
        with socket.create_connection(here) as mine, door.accept()[0]:
            text = sending_on.CONNECTIONS.read_text()
            assert owner_of(mine.getsockname(), here, text) == os.geteuid()
            assert owner_of(("127.0.0.1", 1), here, text) is None
