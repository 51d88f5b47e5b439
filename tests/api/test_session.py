"""The session of a browser: how its cookie is got, what it opens, and what other sites can do with it."""

from collections.abc import Iterator
from dataclasses import replace
from http.cookies import SimpleCookie
from typing import Any

import pytest
from tests.api.in_process import V1, Answer, Api

from sentinel.core.identity import Role, TokenKind
from sentinel.core.secret import looks_like_token, sha256_of

PASSWORD = "correct horse battery"
HOST = "gpus.test:8443"
OWN = "https://gpus.test:8443"
PAGE = {"x-sentinel-csrf": "1", "origin": OWN}


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


@pytest.fixture
def ana(api: Api) -> Api:
    """Ana, who has a password."""
    root = api.token("root", Role.ADMIN)
    body = {"name": "ana", "role": "member", "password": PASSWORD}
    assert api.ask("POST", f"{V1}/users", token=root, json=body).status == 201
    return api


def log_in(api: Api, headers: dict[str, str] | None = None, **body: str) -> Answer:
    return api.ask("POST", f"{V1}/session", json=body, headers={"host": HOST, **(headers or {})})


def cookie(answer: Answer) -> Any:
    return SimpleCookie(answer.headers["set-cookie"])["sentinel_session"]


def session(api: Api) -> str:
    """The cookie's value of a new session of Ana's."""
    answer = log_in(api, user="ana", password=PASSWORD)
    assert answer.status == 204, answer.body
    return cookie(answer).value


def ask(
    api: Api, method: str, path: str, secret: str, headers: dict[str, str] | None = None, **more: Any
) -> Answer:
    headers = {"host": HOST, "cookie": f"theme=dark; sentinel_session={secret}", **(headers or {})}
    return api.ask(method, f"{V1}/{path}", headers=headers, **more)


# ------------------------------------------------------------------ getting one


def test_a_password_gives_a_cookie_that_no_script_and_no_other_site_gets(ana: Api) -> None:
    answer = log_in(ana, user="ana", password=PASSWORD)
    assert (answer.status, answer.body) == (204, b"")
    found = cookie(answer)
    assert looks_like_token(found.value)
    assert (found["path"], found["secure"], found["httponly"], found["samesite"]) == (
        "/",
        True,
        True,
        "strict",
    )
    assert found["max-age"] == str(12 * 3600)
    assert not found["domain"]
    who = ask(ana, "GET", "whoami", found.value)
    assert (who.status, who.json()["user"]) == (200, "ana")


def test_a_session_ends_as_any_other_does(ana: Api) -> None:
    secret = session(ana)
    ana.clock.at += 12 * 3600 - 1
    assert ask(ana, "GET", "whoami", secret).status == 200
    ana.clock.at += 1
    assert ask(ana, "GET", "whoami", secret).status == 401


def test_a_token_gives_a_session_of_its_own(api: Api) -> None:
    token = api.token("ben")
    answer = log_in(api, token=token)
    assert answer.status == 204
    secret = cookie(answer).value
    assert secret != token
    assert ask(api, "GET", "whoami", secret).json()["user"] == "ben"
    with api.store.read() as reader:
        kept = reader.token_by_hash(sha256_of(secret))
    assert kept is not None
    assert (kept.kind, kept.owner) == (TokenKind.SESSION, "ben")


def test_a_session_ends_no_later_than_the_token_that_it_was_begun_with(api: Api) -> None:
    token = api.token("ben", expires_at=api.clock.at + 600)
    answer = log_in(api, token=token)
    assert cookie(answer)["max-age"] == "600"
    again = log_in(api, token=cookie(answer).value)  # a session begins no longer one, either
    assert cookie(again)["max-age"] == "600"
    api.clock.at += 600
    assert ask(api, "GET", "whoami", cookie(again).value).status == 401


@pytest.mark.parametrize("kind", ["wrong", "nobodys", "revoked", "join", "expired"])
def test_a_token_that_opens_nothing_gives_no_session(api: Api, kind: str) -> None:
    token = api.token("ben", kind=TokenKind.JOIN if kind == "join" else TokenKind.API)
    with api.store.read() as reader:
        kept = reader.token_by_hash(sha256_of(token))
    assert kept is not None
    match kind:
        case "wrong":
            token = "x"
        case "nobodys":
            token = token[:-1] + ("0" if token[-1] != "0" else "1")
        case "revoked":
            api.store.write(lambda tx: tx.put_token(replace(kept, revoked_at=1.0)))
        case "expired":
            api.store.write(lambda tx: tx.put_token(replace(kept, expires_at=api.clock.at)))
        case _:
            pass
    answer = log_in(api, token=token)
    assert (answer.status, "set-cookie" in answer.headers) == (401, False)
    assert token not in answer.body.decode() or token == "x"


def test_wrong_ones_are_counted_as_any_log_in_is(ana: Api) -> None:
    found = [log_in(ana, user="ana", password=f"wrong password {n}").status for n in range(11)]
    assert found == [401] * 10 + [429]
    by_the_other_door = ana.ask("POST", f"{V1}/login", json={"user": "ana", "password": PASSWORD})
    assert by_the_other_door.status == 429
    tokens = [log_in(ana, token=f"snt_{n}").status for n in range(11)]
    assert tokens == [401] * 10 + [429]
    ana.clock.at += 7
    assert log_in(ana, user="ana", password=PASSWORD).status == 204


def test_a_wrong_token_takes_as_long_as_a_wrong_password(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []
    real = api.state.passwords.fits

    async def fits(hashed: str | None, password: str) -> bool:
        looked.append(hashed)
        return await real(hashed, password)

    monkeypatch.setattr(api.state.passwords, "fits", fits)
    assert log_in(api, token="snt_nobodys").status == 401
    assert looked == [None]
    assert log_in(api, token=api.token("ben")).status == 204
    assert looked == [None]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user": "ana"},
        {"password": "x"},
        {"user": "a", "token": "x"},
        {"token": "x", "more": "y"},
        {"token": 1},
    ],
)
def test_it_is_one_way_or_the_other(api: Api, body: dict[str, Any]) -> None:
    answer = api.ask("POST", f"{V1}/session", json=body)
    assert (answer.status, answer.json()["type"]) == (422, "invalid")


def test_no_other_site_logs_somebody_in_as_somebody_else(ana: Api) -> None:
    for origin in ("https://evil.test", "null", "https://gpus.test:8444", "http://gpus.test:8443"):
        answer = log_in(ana, {"origin": origin}, user="ana", password=PASSWORD)
        assert (answer.status, "set-cookie" in answer.headers) == (403, False), origin
    assert log_in(ana, {"origin": OWN}, user="ana", password=PASSWORD).status == 204


# ------------------------------------------------------------------ using it


def test_what_changes_something_has_to_come_from_our_own_page(ana: Api) -> None:
    secret = session(ana)
    job = {"command": ["true"], "cwd": "/"}
    for headers in (
        {},
        {"origin": OWN},
        {"x-sentinel-csrf": "1"},
        {"x-sentinel-csrf": "0", "origin": OWN},
        {"x-sentinel-csrf": "1", "origin": "https://evil.test"},
        {"x-sentinel-csrf": "1", "origin": "null"},
        {"x-sentinel-csrf": "1", "origin": "http://gpus.test:8443"},
        {"x-sentinel-csrf": "1", "origin": "https://gpus.test"},
        {"x-sentinel-csrf": "1", "origin": "https://gpus.test:8443.evil.test"},
    ):
        answer = ask(ana, "POST", "jobs", secret, headers, json=job)
        assert (answer.status, answer.json()["type"]) == (403, "cross-site"), headers
        answer = ask(ana, "PATCH", "users/ana", secret, headers, json={"role": "admin"})
        assert answer.json()["type"] == "cross-site", headers
    assert ask(ana, "POST", "jobs", secret, PAGE, json=job).status == 201


def test_a_port_that_goes_without_saying_need_not_be_said(ana: Api) -> None:
    secret = session(ana)
    job = {"command": ["true"], "cwd": "/"}
    headers = {"host": "gpus.test", "origin": "https://gpus.test", "x-sentinel-csrf": "1"}
    assert ask(ana, "POST", "jobs", secret, headers, json=job).status == 201
    assert ask(ana, "POST", "jobs", secret, headers | {"host": "GPUS.test:443"}, json=job).status == 201


def test_reading_needs_the_cookie_alone(ana: Api) -> None:
    secret = session(ana)
    assert ask(ana, "GET", "jobs", secret).status == 200
    assert (
        ask(ana, "GET", "jobs", secret, {"origin": "https://evil.test"}).status == 200
    )  # it may not read that


def test_a_token_counts_before_the_cookie_and_needs_no_page(ana: Api) -> None:
    secret = session(ana)
    ben = ana.token("ben")
    assert ask(ana, "GET", "whoami", secret, token=ben).json()["user"] == "ben"
    answer = ask(ana, "POST", "jobs", secret, token=ben, json={"command": ["true"], "cwd": "/"})
    assert (answer.status, answer.json()["owner"]) == (201, "ben")
    assert ask(ana, "GET", "whoami", secret, {"authorization": "Bearer nobody"}).status == 401


def test_the_cookie_gives_no_more_than_its_owner_has(ana: Api) -> None:
    answer = ask(ana, "GET", "users", session(ana))
    assert (answer.status, answer.json()["type"]) == (403, "forbidden")


@pytest.mark.parametrize("value", ["", "x", "snt_", "snj_x", '"', "a=b"])
def test_a_cookie_that_is_none_opens_nothing(api: Api, value: str) -> None:
    assert ask(api, "GET", "whoami", value).status == 401


def test_a_stream_goes_on_with_the_cookie(ana: Api) -> None:
    secret = session(ana)
    headers = {"host": HOST, "cookie": f"sentinel_session={secret}"}
    stream = ana.open("GET", f"{V1}/events/stream", headers=headers)
    assert stream.hear()["status"] == 200
    ana.clock.at += 2  # who is asking is looked up again
    chunks = stream.chunks()
    assert [next(chunks) for _ in range(3)][1:] == [b": alive\n\n"] * 2
    assert ask(ana, "DELETE", "session", secret, PAGE).status == 204
    _, ended = stream.rest()
    assert not ended


# ------------------------------------------------------------------ terminals


@pytest.mark.parametrize(
    ("origin", "status"),
    [(None, 403), ("https://evil.test", 403), (OWN, 404)],
    ids=["none", "theirs", "ours"],
)
def test_a_terminal_is_for_our_own_pages(ana: Api, origin: str | None, status: int) -> None:
    headers = {"host": HOST, "cookie": f"sentinel_session={session(ana)}"}
    if origin is not None:
        headers["origin"] = origin
    start = ana.socket(f"{V1}/jobs/zzzzzzzzzz/attach", headers=headers).hear()
    assert (start["type"], start["status"]) == ("websocket.http.response.start", status)


# ------------------------------------------------------------------ ending it


def test_logging_out_ends_the_session_and_takes_the_cookie_back(ana: Api) -> None:
    secret = session(ana)
    other = session(ana)
    answer = ask(ana, "DELETE", "session", secret, PAGE)
    assert answer.status == 204
    assert (cookie(answer).value, cookie(answer)["max-age"]) == ("", "0")
    assert ask(ana, "GET", "whoami", secret).status == 401
    assert ask(ana, "DELETE", "session", secret, PAGE).status == 204
    assert ask(ana, "GET", "whoami", other).status == 200


def test_no_other_site_logs_anybody_out(ana: Api) -> None:
    secret = session(ana)
    assert ask(ana, "DELETE", "session", secret, {"origin": "https://evil.test"}).status == 403
    assert ask(ana, "GET", "whoami", secret).status == 200


def test_logging_out_without_a_session_is_done(api: Api) -> None:
    assert api.ask("DELETE", f"{V1}/session").status == 204


def test_a_token_in_the_cookie_is_not_revoked_by_logging_out(api: Api) -> None:
    token = api.token("ben")  # somebody put it there by hand
    assert ask(api, "DELETE", "session", token, PAGE).status == 204
    assert api.ask("GET", f"{V1}/whoami", token=token).status == 200
