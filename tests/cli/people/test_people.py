import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.cli.own_terminal import Screen
from tests.cli.running import Cli
from tests.client.fake_controller import Reply, problem

from sentinel.cli.people.words import token_lines, token_state, user_lines
from sentinel.client.env_file import read_env_file

NOW = 1_700_000_000.0
EVIL = "\x1b[2Jev\u202eil\n"


def a_user(name: str = "bob", **changes: Any) -> dict[str, Any]:
    found = {"name": name, "role": "member", "tenant": "default", "created_at": "2023-11-14T21:13:20Z"}
    return found | {"group": None, "disabled": False, "has_password": True} | changes


def a_token(id: str = "k3v9x2m1qa", **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": id, "kind": "api", "owner": "bob", "label": "ci", "created_at": "2023-11-14T21:13:20Z",
        "expires_at": "2023-11-15T22:13:20Z", "revoked_at": None, "last_used_at": None,
    }  # fmt: skip
    return found | changes


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_tables() -> None:
    users = [a_user(), a_user("eve", disabled=True, group="ml"), a_user("ci", has_password=False)]
    assert user_lines(users, NOW, 80, colours=False) == [
        "NAME  ROLE    GROUP  LOG-IN       AGE",
        "bob   member  -      password     1 h",
        "eve   member  ml     disabled     1 h",
        "ci    member  -      tokens only  1 h",
    ]
    tokens = [a_token(), a_token(expires_at=None, revoked_at="2023-11-14T21:13:20Z", label=EVIL * 30)]
    lines = token_lines(tokens, NOW, 80, colours=False)
    assert lines[1] == "k3v9x2m1qa  api   bob    valid           1 d     -  ci"
    assert all(len(line) <= 80 and line.isprintable() for line in lines)
    assert token_state(a_token(expires_at="2023-11-14T21:13:20Z"), NOW) == "expired"


def test_add_takes_the_password_from_stdin_alone(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.answers("POST users", a_user())
    typed(monkeypatch, "correct horse\n")
    assert cli("user", "add", "bob", "--password-stdin").out == "bob is a user, as member\n"
    assert cli.fake.requests[0].json == {"name": "bob", "role": "member", "password": "correct horse"}
    assert cli("user", "add", "bob", "--role", "viewer", "--no-password").status == 0
    assert cli.fake.requests[1].json == {"name": "bob", "role": "viewer"}
    for words in (["--password", "x"], ["--role", "king"], ["--no-password", "--password-stdin"], []):
        assert cli("user", "add", "bob", *words).status == 2
    typed(monkeypatch, "\n")
    assert "first line" in cli("user", "add", "bob", "--password-stdin").err
    assert len(cli.fake.requests) == 2


def test_a_password_is_not_shown_when_it_is_typed(cli: Cli) -> None:
    cli.answers("POST users", a_user())
    with Screen({**os.environ, **cli.fake.environment()}, "user", "add", "bob") as shown:
        shown.shows("Password for bob:")
        shown.press("correct horse\r")
        shown.shows("Again:")
        shown.press("correct horse\r")
        shown.shows("bob is a user")
        shown.ended(0)
        assert "horse" not in shown.shown
    assert cli.fake.requests[0].json["password"] == "correct horse"


def test_a_users_group(cli: Cli) -> None:
    cli.answers("POST users", a_user(group="ml"))
    cli.answers("PATCH users/bob", a_user(group="ml"))
    done = cli("user", "add", "bob", "--group", "ml", "--no-password")
    assert done.out == "bob is a user, as member, in the group ml\n"
    assert cli("user", "set", "bob", "--group", "ml").out == "bob is member, in the group ml\n"
    cli.answers("PATCH users/bob", a_user())
    assert cli("user", "set", "bob", "--no-group").out == "bob is member\n"
    sent = [request.json for request in cli.fake.requests]
    assert sent == [{"name": "bob", "role": "member", "group": "ml"}, {"group": "ml"}, {"group": None}]
    for words in (["--group", "ml", "--no-group"], ["--group", ""]):
        assert cli("user", "set", "bob", *words).status == 2
    assert len(cli.fake.requests) == 3


def test_set_changes_what_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.answers("PATCH users/bob", a_user(disabled=True))
    assert cli("user", "set", "bob", "--disable").out == "bob is member, and shut out\n"
    cli("user", "set", "bob", "--role", "admin", "--enable")
    typed(monkeypatch, "new password\n")
    cli("user", "set", "bob", "--password-stdin")
    assert [request.json for request in cli.fake.requests] == [
        {"disabled": True}, {"role": "admin", "disabled": False}, {"password": "new password"},
    ]  # fmt: skip
    assert cli("user", "set", "bob").status == 2


def test_list_and_remove(cli: Cli) -> None:
    cli.answers("GET users", {"items": [a_user()], "next": None})
    cli.answers("DELETE users/bob", Reply(status=204))
    assert "bob" in cli("user", "list").out
    assert json.loads(cli("user", "list", "--json").out)[0]["name"] == "bob"
    assert cli("user", "remove", "bob").out == "bob is removed\n"


def test_tokens(cli: Cli) -> None:
    old = a_token("oldoldoldo", revoked_at="2023-11-14T21:13:20Z")
    cli.answers("GET tokens", {"items": [a_token(expires_at=None), old], "next": None})
    assert "oldoldoldo" not in cli("token", "list").out
    assert len(json.loads(cli("token", "list", "--all", "--json").out)) == 2
    cli.answers("POST tokens", {**a_token(), "token": "snt_x_1"})
    done = cli("token", "create", "--label", "ci", "--expires", "30d")
    assert (done.out, done.err) == ("snt_x_1\n", "")
    assert cli.fake.requests[-1].json == {"label": "ci", "kind": "api", "expires_in": 30 * 86400.0}
    cli.answers("DELETE tokens/a", Reply(status=204))
    assert cli("token", "revoke", "a").out == "a is revoked\n"


def test_a_join_token_is_a_whole_line(cli: Cli) -> None:
    cli.answers("POST tokens", {**a_token(kind="join"), "token": "snj_x_1"})
    line = f"sentinel agent join {cli.fake.url} --token snj_x_1"
    assert cli("token", "create", "--join", "--expires", "24h").out == f"{line}\n"
    assert cli.fake.requests[-1].json == {"label": "", "kind": "join", "expires_in": 86400.0}
    assert json.loads(cli("token", "create", "--join", "--json").out)["command"] == line


def test_whoami(cli: Cli) -> None:
    cli.answers(
        "GET whoami", {"user": "bob", "role": "member", "tenant": "default", "token_id": "x", "may": []}
    )
    assert cli("whoami").out == f"bob, member, at {cli.fake.url}\n"
    assert json.loads(cli("whoami", "--json").out)["url"] == cli.fake.url
    cli.answers("GET whoami", problem(401, "that token is expired", "sentinel login"))
    assert cli("whoami").status == 1


# ------------------------------------------------------------------ login

LOGIN = {"token": "snt_new", "expires_at": "2023-11-15T22:13:20Z", "user": "bob", "role": "member"}


@pytest.fixture
def stranger(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Nobody has logged in here yet."""
    for name in ("SENTINEL_URL", "SENTINEL_TOKEN", "SENTINEL_CA"):
        monkeypatch.delenv(name)
    cli.answers("GET ca", {"ca": cli.fake.ca_pem.decode()})
    cli.answers("POST login", LOGIN)
    cli.answers("GET whoami", {"user": "bob", "role": "member", "tenant": "default"})
    return cli


def client_env(folder: Path) -> Path:
    return folder / ".config" / "sentinel" / "client.env"


def fingerprint(cli: Cli) -> str:
    import hashlib
    import ssl

    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(cli.fake.ca_pem.decode())).hexdigest()


def test_login_with_the_authoritys_file(
    stranger: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "correct horse\n")
    words = ["--url", stranger.fake.url + "/", "--user", "bob", "--ca", str(stranger.fake.ca)]
    done = stranger("login", *words, "--password-stdin")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"bob, member, at {stranger.fake.url}, until ")
    assert stranger.fake.requests[0].json == {"user": "bob", "password": "correct horse"}
    written = client_env(tmp_path)
    assert written.stat().st_mode & 0o777 == 0o600
    values = read_env_file(written)
    assert (values["SENTINEL_URL"], values["SENTINEL_TOKEN"]) == (stranger.fake.url, "snt_new")
    assert Path(values["SENTINEL_CA"]).read_bytes() == stranger.fake.ca_pem
    assert stranger("whoami").out == f"bob, member, at {stranger.fake.url}\n"  # by the file alone
    assert stranger.fake.requests[-1].headers["Authorization"] == "Bearer snt_new"
    typed(monkeypatch, "again\n")
    assert stranger("login", "--user", "bob", "--password-stdin").status == 0  # it is known by now


def test_login_by_fingerprint(stranger: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "snt_mine\n")
    right = fingerprint(stranger).upper()
    words = ["--url", stranger.fake.url, "--token-stdin", "--fingerprint"]
    assert stranger("login", *words, right, "--json").status == 0
    assert stranger.fake.requests[-1].headers["Authorization"] == "Bearer snt_mine"


def test_a_wrong_fingerprint_sends_no_secret(
    stranger: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "correct horse\n")
    words = ["--url", stranger.fake.url, "--password-stdin", "--fingerprint", "ab" * 32]
    done = stranger("login", *words)
    assert done.status == 2
    assert "somebody is in between" in done.err
    assert [request.path for request in stranger.fake.requests] == ["ca"]
    assert not client_env(tmp_path).exists()


def test_an_unknown_authority_is_asked_about(stranger: Cli, tmp_path: Path) -> None:
    done = stranger("login", "--url", stranger.fake.url, "--user", "bob")
    assert done.status == 2
    assert "--fingerprint" in done.err
    environment = {**os.environ, "HOME": str(tmp_path)}
    with Screen(environment, "login", "--url", stranger.fake.url, "--user", "bob") as shown:
        shown.shows("Type yes:")
        assert fingerprint(stranger) in shown.shown
        shown.press("no\r")
        shown.ended(2)
    with Screen(environment, "login", "--url", stranger.fake.url, "--user", "bob") as shown:
        shown.shows("Type yes:")
        shown.press("yes\r")
        shown.shows("Password of bob at")
        shown.press("correct horse\r")
        shown.shows("remembered in")
        shown.ended(0)
    assert client_env(tmp_path).exists()


def test_a_wrong_password_changes_nothing(
    stranger: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger.answers("POST login", problem(401, "the user or the password is wrong"))
    typed(monkeypatch, "no\n")
    words = ["--url", stranger.fake.url, "--user", "bob", "--ca", str(stranger.fake.ca), "--password-stdin"]
    assert stranger("login", *words).err == "sentinel: the user or the password is wrong\n"
    assert not client_env(tmp_path).exists()


def test_login_needs_to_know_where(stranger: Cli) -> None:
    assert "which controller?" in stranger("login").err
    assert "https only" in stranger("login", "--url", "http://h:1").err
