"""`sentinel alert channel …` and `sentinel alert route …`: no secret is an argument, and none is printed."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.cli.alerts.alert_rows import EVIL, a_channel, page
from tests.cli.own_terminal import Screen
from tests.cli.running import Cli
from tests.client.fake_controller import Reply, Request, problem

from sentinel.cli.alerts.channel_words import channel_lines, route_lines

NOW = 1_769_860_920.0
URL = "https://chat.example.org/hooks/SECRET-1"
ROUTE = {
    "name": "all",
    "channels": ["chat"],
    "matches": {"severity": ["critical"]},
    "group_by": ["rule"],
    "group_wait": 0.0,
    "group_interval": 60.0,
    "repeat_interval": 14400.0,
    "goes_on": False,
}
INHIBITION = {"name": "i", "source": {"rule": ["x"]}, "target": {"rule": ["y"]}, "equal": ["node"]}


def routes(*given: Any, default: bool = False) -> dict[str, Any]:
    found = {"default": default, "routes": list(given), "inhibitions": [INHIBITION]}
    return {**found, "shipped_inhibitions": [INHIBITION | {"name": "hot"}]}


@pytest.fixture
def put(cli: Cli) -> list[Request]:
    """What was sent about the channel chat."""
    made = {key: value for key, value in a_channel().items() if key != "fares"}
    asked: list[Request] = []

    def answer(request: Request) -> dict[str, Any]:
        asked.append(request)
        return made

    cli.answers("PUT channels/chat", answer)
    return asked


def a_file(folder: Path, text: str) -> str:
    path = folder / f"file-{len(list(folder.iterdir()))}"
    path.write_text(text)
    return str(path)


# ------------------------------------------------------------------ channels


def test_a_channel_from_files(cli: Cli, put: list[Request], tmp_path: Path) -> None:
    url, secret = a_file(tmp_path, f"{URL}\n"), a_file(tmp_path, "SECRET-22")
    headers = a_file(tmp_path, "Authorization: Bearer SECRET-3\n\nX-Team: ml: a\n")
    done = cli(
        "alert", "channel", "add", "chat", "--kind", "webhook", "--url-file", url, "--secret-file", secret,
        "--header-file", headers, "--ca-file", "/etc/ca.pem", "--timeout", "5",
    )  # fmt: skip
    assert (done.status, done.out) == (0, "chat: webhook to https://chat.example.org, signed\n")
    assert put[0].json == {
        "kind": "webhook",
        "url": URL,
        "secret": "SECRET-22",
        "headers": {"Authorization": "Bearer SECRET-3", "X-Team": "ml: a"},
        "ca_file": "/etc/ca.pem",
        "timeout": 5,
    }
    assert "SECRET" not in done.out + done.err


@pytest.mark.parametrize(
    "text", [f"kind: webhook\nurl: {URL}\n", json.dumps({"name": "chat", "kind": "webhook", "url": URL})]
)
def test_a_channel_in_one_file(cli: Cli, put: list[Request], tmp_path: Path, text: str) -> None:
    done = cli("alert", "channel", "add", "chat", "-f", a_file(tmp_path, text), "--json")
    assert json.loads(done.out)["name"] == "chat"
    assert put[0].json == {"kind": "webhook", "url": URL}


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (f"kind: webhook\nurl: {URL}\ntoken: SECRET-2\n", 3, "'token' is no field"),
        (f"name: other\nkind: webhook\nurl: {URL}\n", 1, "leave it out"),
        (f"- kind: webhook\n  url: {URL}\n- kind: webhook\n", 1, "one channel"),
        ("SECRET-5", 1, "one channel"),
        (f"kind: webhook\nurl: {URL}\nurl: {URL}\n", 3, "comes twice"),
    ],
)
def test_mistakes_in_it(cli: Cli, tmp_path: Path, text: str, line: int, says: str) -> None:
    path = a_file(tmp_path, text)
    done = cli("alert", "channel", "add", "chat", "-f", path)
    assert done.status == 2
    assert f"{path}:{line}: " in done.err, done.err
    assert says in done.err
    assert "SECRET" not in done.err.replace(path, "")
    assert cli.fake.requests == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "--kind webhook"),
        (["--kind", "webhook"], "--url-file FILE"),
        (["--kind", "pagerduty"], "--secret-file FILE"),
        (["--kind", "webhook", "--url-file", "-", "--secret-file", "-"], "only one"),
        (["--kind", "webhook", "-f", "x"], "leave the other options out"),
        (["--kind", "webhook", "--url-file", "/nowhere"], "cannot read"),
    ],
)
def test_what_cannot_be(cli: Cli, words: list[str], says: str) -> None:
    done = cli("alert", "channel", "add", "chat", *words)
    assert (done.status, says in done.err) == (2, True), done.err
    assert cli("alert", "channel", "add", "a:b", "--kind", "webhook").status == 2
    assert cli.fake.requests == []


def test_an_address_is_asked_for_on_a_terminal_and_not_shown(
    cli: Cli, put: list[Request], tmp_path: Path
) -> None:
    environment = {**os.environ, **cli.fake.environment(), "HOME": str(tmp_path)}
    with Screen(environment, "alert", "channel", "add", "chat", "--kind", "webhook") as screen:
        screen.shows("Address:")
        screen.press(f"{URL}\n")
        screen.ended(0)
    assert put[0].json["url"] == URL
    assert "SECRET" not in screen.shown


@pytest.mark.parametrize("text", ["", "one\ntwo\n"])
def test_a_secret_is_one_line(cli: Cli, tmp_path: Path, text: str) -> None:
    done = cli("alert", "channel", "add", "chat", "--kind", "webhook", "--url-file", a_file(tmp_path, text))
    assert (done.status, "one line, the address" in done.err) == (2, True)


def test_the_api_refuses(cli: Cli, tmp_path: Path) -> None:
    cli.answers("PUT channels/chat", problem(422, "the channel: url: is no web address"))
    done = cli(
        "alert", "channel", "add", "chat", "--kind", "webhook", "--url-file", a_file(tmp_path, "ftp://SECRET")
    )
    assert (done.status, "SECRET" in done.err) == (1, False)


def test_channels_are_listed(cli: Cli) -> None:
    bad = {"waiting": 2, "sent": 0, "given_up": 1, "last_sent_at": None, "error": "connection refused"}
    cli.answers(
        "GET channels", page(a_channel(), a_channel(name="mail", kind="apprise", to="mailtos", fares=bad))
    )
    done = cli("alert", "channel", "list")
    assert done.out.splitlines()[1].endswith("ok")
    assert "2 wait, 1 given up: con" in done.out.splitlines()[2]
    assert len(json.loads(cli("alert", "channel", "list", "--json").out)) == 2
    cli.answers("GET channels", page())
    assert cli("alert", "channel", "list").out.startswith("no channels, so nobody is told of anything")
    lines = channel_lines([a_channel(name=EVIL * 9, fares=bad | {"error": EVIL * 9})], NOW, 80)
    assert all(len(line) <= 80 and line.isprintable() for line in lines)


def test_trying_and_removing(cli: Cli) -> None:
    cli.answers("POST channels/chat/test", {"sent": True})
    cli.answers("POST channels/mail/test", problem(502, "mail.example.org said 550", "write it anew"))
    assert cli("alert", "channel", "test", "chat").out == "chat took the test message\n"
    done = cli("alert", "channel", "test", "chat", "mail", "--json")
    assert done.status == 1
    assert json.loads(done.out) == [
        {"name": "chat", "sent": True, "error": None},
        {"name": "mail", "sent": False, "error": "mail.example.org said 550 (write it anew)"},
    ]
    cli.answers("DELETE channels/chat", Reply(status=204))
    assert cli("alert", "channel", "remove", "chat").out == "chat is removed\n"
    assert json.loads(cli("alert", "channel", "remove", "chat", "--json").out) == {"removed": ["chat"]}


# ------------------------------------------------------------------ routes


def test_routes_are_listed(cli: Cli) -> None:
    cli.answers("GET alert-routes", routes(ROUTE))
    done = cli("alert", "route", "list")
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines()[1].split() == [
        "all",
        "severity=critical",
        "chat",
        "rule",
        "each",
        "4",
        "h",
        "stops",
    ]
    assert "i: while rule=x fires, nobody is told of rule=y, with the same node" in done.out
    assert all(len(line) <= 80 for line in done.out.splitlines())
    assert "  hot: while" in done.out
    cli.answers("GET alert-routes", routes(ROUTE | {"channels": [], "matches": {}}, default=True))
    done = cli("alert", "route", "list")
    assert ("no routes were written" in done.out, "nobody is told of anything" in done.err) == (True, True)
    assert json.loads(cli("alert", "route", "list", "--json").out)["default"] is True
    lines = route_lines(
        routes(ROUTE | {"name": EVIL, "channels": [EVIL] * 9, "matches": {"a": [EVIL] * 9}}), 80
    )
    assert all(len(line) <= 80 and line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("- {name: all, channels: [chat], matches: {severity: critical}}", ([ROUTE], [])),
        ("{name: all, channels: [chat], matches: {severity: critical}}", ([ROUTE], [])),
        (json.dumps(routes(ROUTE)), ([ROUTE], [INHIBITION])),
        ("routes: []\n", ([], [])),
    ],
)
def test_applying_routes(cli: Cli, tmp_path: Path, text: str, sent: Any) -> None:
    cli.answers("PUT alert-routes", routes(ROUTE))
    done = cli("alert", "route", "apply", "-f", a_file(tmp_path, text))
    assert (done.status, "severity=critical" in done.out) == (0, True)
    body = cli.fake.requests[-1].json
    assert (body["routes"], body["inhibitions"]) == sent


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("routes:\n- name: all\n  channel: [chat]\n", 3, "did you mean 'channels'"),
        ("routes:\n- name: all\n", 2, "channels: is missing"),
        ("routes:\n- {name: a, channels: [b]}\nrutes: []\n", 3, "no field"),
        ("routes: all\n", 1, "is a list"),
        ("routes: []\n---\nroutes: []\n", 3, "one document"),
        ("inhibitions:\n- name: i\n  source: {a: b}\n  target: {}\n", 4, "names no label"),
    ],
)
def test_mistakes_in_routes(cli: Cli, tmp_path: Path, text: str, line: int, says: str) -> None:
    path = a_file(tmp_path, text)
    done = cli("alert", "route", "apply", "-f", path)
    assert (done.status, f"{path}:{line}: " in done.err, says in done.err) == (2, True, True), done.err
    assert cli.fake.requests == []
