"""Codes that begin a session in a browser: good once, for a minute, and for no more than a token."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from tests.api.in_process import V1, Answer, Api, Clock

from sentinel.api.login_codes import APART, SECONDS
from sentinel.core.identity import Role, Token, TokenKind
from sentinel.core.secret import sha256_of
from sentinel.drivers.stores.opening import open_store, sqlite_url

HOST = "gpus.test:8443"
OWN = {"host": HOST, "origin": f"https://{HOST}"}


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


def make(api: Api, token: str) -> str:
    answer = api.ask("POST", f"{V1}/session/codes", token=token)
    assert answer.status == 201, answer.body
    return answer.json()["code"]


def sign_in(api: Api, code: str, headers: dict[str, str] = OWN) -> Answer:
    return api.ask("POST", f"{V1}/session", json={"code": code}, headers=headers)


def session_of(answer: Answer) -> str:
    assert answer.status == 204, answer.body
    return SimpleCookie(answer.headers["set-cookie"])["sentinel_session"].value


def refusal(answer: Answer) -> str:
    assert (answer.status, "set-cookie" in answer.headers) == (401, False), answer.body
    problem = answer.json()
    assert problem["type"] == "unauthenticated"
    assert problem["hint"]
    return problem["detail"]


def kept(api: Api, secret: str) -> Token:
    with api.store.read() as reader:
        token = reader.token_by_hash(sha256_of(secret))
    assert token is not None
    return token


def change(api: Api, token: Token, **fields: float) -> None:
    api.store.write(lambda tx: tx.put_token(replace(token, **fields)))


# ------------------------------------------------------------------ what it gives


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MEMBER, Role.OPERATOR, Role.ADMIN])
def test_a_code_signs_in_who_made_it_as_what_they_are(api: Api, role: Role) -> None:
    answer = api.ask("POST", f"{V1}/session/codes", token=api.token("ben", role))
    assert answer.json()["user"] == "ben"
    assert answer.headers["cache-control"] == "no-store"
    cookie = session_of(sign_in(api, answer.json()["code"]))
    who = api.ask("GET", f"{V1}/whoami", headers={"host": HOST, "cookie": f"sentinel_session={cookie}"})
    assert (who.json()["user"], who.json()["role"]) == ("ben", role.value)
    assert kept(api, cookie).kind is TokenKind.SESSION


def test_the_session_ends_with_the_token_that_made_the_code(api: Api) -> None:
    token = api.token("ben", expires_at=api.clock.at + 600)
    answer = sign_in(api, make(api, token))
    assert SimpleCookie(answer.headers["set-cookie"])["sentinel_session"]["max-age"] == "600"
    again = sign_in(api, make(api, session_of(answer)))  # nor does a session make itself a longer one
    assert SimpleCookie(again.headers["set-cookie"])["sentinel_session"]["max-age"] == "600"
    api.clock.at += 600
    assert api.ask("GET", f"{V1}/whoami", token=session_of(again)).status == 401


def test_without_an_end_of_the_token_it_is_a_session_as_any_other(api: Api) -> None:
    answer = sign_in(api, make(api, api.token("ben")))
    assert SimpleCookie(answer.headers["set-cookie"])["sentinel_session"]["max-age"] == str(12 * 3600)


def test_whoever_was_made_less_since_has_less(api: Api) -> None:
    code = make(api, api.token("ben", Role.ADMIN))
    with api.store.read() as reader:
        ben = reader.user("ben")
    assert ben is not None
    api.store.write(lambda tx: tx.put_user(replace(ben, role=Role.VIEWER)))
    who = api.ask("GET", f"{V1}/whoami", token=session_of(sign_in(api, code)))
    assert who.json()["role"] == "viewer"


# ------------------------------------------------------------------ when it is good for nothing


def test_it_is_good_once(api: Api) -> None:
    code = make(api, api.token("ben"))
    session = session_of(sign_in(api, code))
    assert "used already" in refusal(sign_in(api, code))
    assert api.ask("GET", f"{V1}/whoami", token=session).status == 200  # whoever was first goes on


def test_it_is_good_for_a_minute(api: Api) -> None:
    token = api.token("ben")
    code, other = make(api, token), make(api, token)
    api.clock.at += SECONDS - 1
    assert sign_in(api, code).status == 204
    api.clock.at += 1
    assert "older than 60 seconds" in refusal(sign_in(api, other))


def test_a_clock_that_was_set_back_gives_no_code_a_longer_life(api: Api) -> None:
    token = api.token("ben")
    near, far = make(api, token), make(api, token)
    api.state.now = Clock(api.clock.at - APART)  # the clock on the wall; what measures cannot be set
    assert sign_in(api, near).status == 204  # two controllers are never quite of one mind
    api.state.now = Clock(api.clock.at - 3600)
    assert "set back" in refusal(sign_in(api, far))


def test_a_clock_that_was_set_forward_ends_it(api: Api) -> None:
    code = make(api, api.token("ben"))
    api.clock.at += 86400
    assert "older" in refusal(sign_in(api, code))


@pytest.mark.parametrize("how", ["revoked", "expired", "somebody else's"])
def test_a_token_that_is_worth_nothing_any_more_takes_its_codes_along(api: Api, how: str) -> None:
    token = api.token("ben")
    code = make(api, token)
    match how:
        case "revoked":
            change(api, kept(api, token), revoked_at=api.clock.at)
        case "expired":
            change(api, kept(api, token), expires_at=api.clock.at)
        case _:
            api.user("eve")
            api.store.write(lambda tx: tx.put_token(replace(kept(api, token), owner="eve")))
    assert "has ended" in refusal(sign_in(api, code))


def test_whoever_is_disabled_or_gone_gets_no_session(api: Api) -> None:
    root = api.token("root", Role.ADMIN)
    code = make(api, api.token("ben"))
    answer = api.ask("PATCH", f"{V1}/users/ben", token=root, json={"disabled": True})
    assert answer.status == 200, answer.body
    assert "disabled" in refusal(sign_in(api, code))
    code = make(api, api.token("eve"))
    api.store.write(lambda tx: tx.remove_user("eve"))
    assert "gone" in refusal(sign_in(api, code))


def test_a_new_password_takes_codes_back_as_it_ends_sessions(api: Api) -> None:
    root = api.token("root", Role.ADMIN)
    code = make(api, api.token("ben"))
    body = {"password": "correct horse battery"}
    assert api.ask("PATCH", f"{V1}/users/ben", token=root, json=body).status == 200
    assert "taken back" in refusal(sign_in(api, code))


@pytest.mark.parametrize("kind", ["nobody's", "a token", "a session", "nothing"])
def test_nothing_else_is_a_code(api: Api, kind: str) -> None:
    token = api.token("ben")
    code = make(api, token)
    shown = {
        "nobody's": code[:-1] + ("0" if code[-1] != "0" else "1"),
        "a token": token,
        "a session": session_of(sign_in(api, code)),
        "nothing": "",
    }[kind]
    assert "nobody has made" in refusal(sign_in(api, shown))


def test_a_code_opens_nothing_itself(api: Api) -> None:
    token = api.token("ben", Role.ADMIN)
    code = make(api, token)
    assert api.ask("GET", f"{V1}/whoami", token=code).status == 401
    assert api.ask("GET", f"{V1}/whoami", headers={"cookie": f"sentinel_session={code}"}).status == 401
    assert api.ask("POST", f"{V1}/session", json={"token": code}).status == 401
    # … not even if it were shown as a token: what is kept of it says what it is.
    digest = sha256_of(as_token := code.replace("snc_", "snt_"))
    api.store.write(lambda tx: tx.put_token(replace(kept(api, code), secret_sha256=digest)))
    assert api.ask("GET", f"{V1}/whoami", token=as_token).status == 401


def test_nobody_makes_one_without_a_token(api: Api) -> None:
    assert api.ask("POST", f"{V1}/session/codes").status == 401
    join = api.token("ben", Role.ADMIN, kind=TokenKind.JOIN)
    assert api.ask("POST", f"{V1}/session/codes", token=join).status == 401


def test_another_site_neither_makes_nor_uses_one(api: Api) -> None:
    code = make(api, api.token("ben"))
    assert sign_in(api, code, {"host": HOST, "origin": "https://evil.test"}).status == 403
    session = session_of(sign_in(api, code))
    headers = {"host": HOST, "cookie": f"sentinel_session={session}", "origin": "https://evil.test"}
    answer = api.ask("POST", f"{V1}/session/codes", headers={**headers, "x-sentinel-csrf": "1"})
    assert (answer.status, answer.json()["type"]) == (403, "cross-site")


# ------------------------------------------------------------------ at two controllers


def test_of_two_controllers_that_are_shown_a_code_at_once_one_gives_a_session(tmp_path: Path) -> None:
    url = sqlite_url(str(tmp_path / "controller.db"))
    clock = Clock()
    with (
        Api(store=open_store(url), clock=clock) as one,
        Api(store=open_store(url), clock=clock) as two,
        ThreadPoolExecutor(8) as many,
    ):
        code = make(one, one.token("ben"))
        found = list(many.map(lambda n: sign_in((one, two)[n % 2], code).status, range(8)))
        assert sorted(found) == [204, *[401] * 7]
        with two.store.read() as reader:
            assert [token.kind for token in reader.tokens(owner="ben")].count(TokenKind.SESSION) == 1


# ------------------------------------------------------------------ guessing, and what is said of it


def test_guesses_are_counted_as_those_of_passwords(api: Api) -> None:
    assert [sign_in(api, f"snc_{n}").status for n in range(11)] == [401] * 10 + [429]
    api.clock.at += 7
    code = make(api, api.token("ben"))
    api.clock.at += 7
    assert sign_in(api, code).status == 204


def test_a_wrong_code_takes_as_long_as_a_wrong_password(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []
    real = api.state.passwords.fits

    async def fits(hashed: str | None, password: str) -> bool:
        looked.append(hashed)
        return await real(hashed, password)

    monkeypatch.setattr(api.state.passwords, "fits", fits)
    assert sign_in(api, "snc_nobodys").status == 401
    assert looked == [None]


def test_nobody_makes_them_by_the_thousand(api: Api) -> None:
    token = api.token("ben")
    found = [api.ask("POST", f"{V1}/session/codes", token=token).status for _ in range(11)]
    assert found == [201] * 10 + [429]


def test_no_code_is_kept_logged_or_told(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        root = api.token("root", Role.ADMIN)
        code = make(api, root)
        secret = code.rpartition("_")[2]
        assert len(secret) * 4 >= 128
        sign_in(api, code)
        sign_in(api, code)
    assert secret not in caplog.text
    assert secret not in repr(kept(api, code))
    for path in ("tokens", "events"):
        found = api.ask("GET", f"{V1}/{path}", token=root)
        assert found.status == 200
        assert secret not in found.body.decode()
        assert kept(api, code).id not in found.body.decode(), path  # it is no token of theirs to see to
