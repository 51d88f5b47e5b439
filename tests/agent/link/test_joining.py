"""Joining a controller: the right one, once, and every mistake in one line."""

import io
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.link.fake_controller import FakeController

from sentinel.agent.__main__ import main
from sentinel.agent.link import membership
from sentinel.agent.link.joining import Machine, join, joined_by_then
from sentinel.agent.link.membership import (
    AUTHORITY,
    CERTIFICATE,
    CONTROLLER,
    KEY,
    Credentials,
    membership_in,
)
from sentinel.agent.link.reach import Reluctance
from sentinel.core.errors import ApiError, ApiUnavailable, SentinelError, UsageError
from sentinel.core.notify import Journal
from sentinel.drivers.certificates import request as keys

MACHINE = Machine(name="gpu-01", boot_id="b", version="1")


@pytest.fixture
def controller(tmp_path: Path) -> Iterator[FakeController]:
    (tmp_path / "c").mkdir()
    found = FakeController(tmp_path / "c").start()
    yield found
    found.stop()


@pytest.fixture
def node(tmp_path: Path) -> Path:
    return tmp_path / "node"


def test_it_joins_and_keeps_what_it_got_to_itself(controller: FakeController, node: Path) -> None:
    token = controller.join_token()
    done = join(node, controller.url, token, MACHINE, keys)
    assert not done.already and done.membership.node == "n1"
    (told,) = controller.joins
    assert (told["name"], told["boot_id"], told["agent_version"]) == ("gpu-01", "b", "1")
    assert told["token"] == token
    for name in (KEY, CERTIFICATE, AUTHORITY, CONTROLLER):
        assert stat.S_IMODE((node / name).stat().st_mode) == 0o600, name
    assert token not in "".join(path.read_text() for path in node.iterdir())
    assert membership_in(node) == done.membership
    connection = Credentials(node, done.membership).connection(5.0)
    assert connection.ask("GET", "/api/v1/agent/desired?seen=0&wait=0").status == 200
    connection.close()


def test_again_it_changes_nothing(controller: FakeController, node: Path) -> None:
    join(node, controller.url, controller.join_token(), MACHINE, keys)
    before = {path.name: path.read_bytes() for path in node.iterdir()}
    again = join(node, controller.url, controller.join_token(), MACHINE, keys)
    assert again.already and len(controller.joins) == 1
    assert {path.name: path.read_bytes() for path in node.iterdir()} == before


def test_forgotten_it_joins_again_with_the_key_that_it_has(controller: FakeController, node: Path) -> None:
    join(node, controller.url, controller.join_token(), MACHINE, keys)
    key = (node / KEY).read_bytes()
    controller.refuse(403, "this node was removed")
    assert not join(node, controller.url, controller.join_token(), MACHINE, keys).already
    assert len(controller.joins) == 2 and (node / KEY).read_bytes() == key


def test_broken_files_are_made_anew(controller: FakeController, node: Path) -> None:
    join(node, controller.url, controller.join_token(), MACHINE, keys)
    (node / KEY).write_text("no key")
    assert not join(node, controller.url, controller.join_token(), MACHINE, keys).already
    (node / CONTROLLER).write_text("{")
    with pytest.raises(SentinelError, match="join again"):
        membership_in(node)
    assert not join(node, controller.url, controller.join_token(), MACHINE, keys).already


def test_another_server_gets_nothing_from_us(controller: FakeController, node: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = FakeController(tmp_path / "other")
    with pytest.raises(SentinelError, match="is not the one that made this token"):
        join(node, controller.url, other.join_token(), MACHINE, keys)
    assert controller.joins == [] and not node.exists()
    assert [path for _, path in controller.asked] == ["/api/v1/ca"]


def test_a_server_in_between_cannot_hide_behind_the_right_authority(
    controller: FakeController, node: Path, tmp_path: Path
) -> None:
    """It hands out the controller's certificate authority, but has no certificate of it."""
    (tmp_path / "other").mkdir()
    other = FakeController(tmp_path / "other").start()
    try:
        token = controller.join_token()
        other.authority = controller.authority
        with pytest.raises(ApiUnavailable, match="not trusted"):
            join(node, other.url, token, MACHINE, keys)
        assert other.joins == []
    finally:
        other.stop()


def test_what_the_controller_says_to_a_token_is_passed_on(controller: FakeController, node: Path) -> None:
    controller.join_refusal = (
        401,
        {"title": "x", "detail": "this join token has expired", "hint": "make one"},
    )
    with pytest.raises(ApiError, match=r"this join token has expired"):
        join(node, controller.url, controller.join_token(), MACHINE, keys)
    assert membership_in(node) is None


@pytest.mark.parametrize(
    ("url", "token", "says"),
    [
        ("https://nosuchhost.invalid", None, "there is no such host"),
        ("https://127.0.0.1:1", None, "no controller answers"),
        ("http://127.0.0.1", None, "is no address of a controller"),
        ("https://127.0.0.1:1", "snt_x", "this is no join token"),
    ],
)
def test_the_command_says_every_mistake_in_one_line(
    url: str, token: str | None, says: str, node: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = token or f"snj_0123456789_{'a' * 48}_{'b' * 64}"
    assert main(["join", url, "--token", token, "--node-dir", str(node)]) in (1, 2)
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1 and "SENTINEL_URL" not in error
    assert token not in error


def test_the_command_joins(
    controller: FakeController, node: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "token"
    file.write_text(controller.join_token() + "\n")
    command = ["join", controller.url, "--token-file", str(file), "--node-dir", str(node), "--name", "gpu-02"]
    assert main(command) == 0
    assert "gpu-02 has joined" in capsys.readouterr().out
    assert main(command) == 0
    assert "already" in capsys.readouterr().out
    assert main([*command[:3], str(tmp_path / "none"), *command[4:]]) == 2
    assert "cannot be read" in capsys.readouterr().err


# ------------------------------------------------------------------ with --controller


def by_then(node: Path, url: str, file: Path | None) -> membership.Membership:
    journal = Journal(io.StringIO())
    return joined_by_then(node, url, file, MACHINE, keys, Reluctance(journal, lambda _: None).heard)


def test_an_agent_waits_for_a_controller_that_is_not_there_yet(
    controller: FakeController, node: Path, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(controller.join_token())
    url, port = controller.url, controller.stop()
    tried: list[str] = []

    def trouble(error: SentinelError) -> None:
        tried.append(error.message)
        if len(tried) == 2:
            controller.start(port)

    found = joined_by_then(node, url, file, MACHINE, keys, trouble)
    assert found.node == "n1" and len(tried) == 2


def test_an_agent_that_has_joined_needs_neither_token_nor_controller(
    controller: FakeController, node: Path, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(controller.join_token())
    known = by_then(node, controller.url, file)
    assert by_then(node, controller.url, None) == known
    assert by_then(node, controller.url, tmp_path / "gone") == known
    port = controller.stop()
    assert by_then(node, known.url, file) == known
    controller.start(port)
    moved = by_then(node, known.url.replace("127.0.0.1", "localhost"), None)
    assert moved.url.startswith("https://localhost") and membership_in(node) == moved


def test_a_token_that_has_ended_does_not_matter_any_more(
    controller: FakeController, node: Path, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(controller.join_token())
    known = by_then(node, controller.url, file)
    controller.refuse(403, "this node was removed")
    controller.join_refusal = (401, {"title": "expired"})
    assert by_then(node, controller.url, file) == known


def test_another_controllers_token_makes_it_change_sides(
    controller: FakeController, node: Path, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(controller.join_token())
    by_then(node, controller.url, file)
    (tmp_path / "other").mkdir()
    other = FakeController(tmp_path / "other").start()
    try:
        file.write_text(other.join_token())
        assert by_then(node, other.url, file).url == other.url
        assert len(other.joins) == 1
    finally:
        other.stop()


def test_without_either_there_is_nothing_to_begin_with(node: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--join-token-file"):
        by_then(node, "https://127.0.0.1:1", None)
    with pytest.raises(UsageError, match="cannot be read"):
        by_then(node, "https://127.0.0.1:1", tmp_path / "none")
