"""Logging in, tokens and users: who gets in, who stays out, and that what is revoked ends at once."""

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.api.in_process import V1, Answer, Api

from sentinel.core.clock import rfc3339
from sentinel.core.identity import Role, TokenKind
from sentinel.core.secret import looks_like_token, parse_join, sha256_of

PASSWORD = "correct horse battery"


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        yield api


@pytest.fixture
def root(api: Api) -> str:
    return api.token("root", Role.ADMIN)


def add(api: Api, root: str, name: str, role: str = "member", password: str | None = PASSWORD) -> Answer:
    return api.ask("POST", f"{V1}/users", token=root, json={"name": name, "role": role, "password": password})


def login(api: Api, user: str, password: str = PASSWORD) -> Answer:
    return api.ask("POST", f"{V1}/login", json={"user": user, "password": password})


def whoami(api: Api, token: str) -> Answer:
    return api.ask("GET", f"{V1}/whoami", token=token)


# ------------------------------------------------------------------ logging in


def test_a_password_gives_a_session_of_twelve_hours(api: Api, root: str) -> None:
    assert add(api, root, "ana").status == 201
    answer = login(api, "ana")
    assert answer.status == 200
    found = answer.json()
    assert (found["user"], found["role"], looks_like_token(found["token"])) == ("ana", "member", True)
    assert whoami(api, found["token"]).json()["user"] == "ana"
    api.clock.at += 12 * 3600 - 1
    assert whoami(api, found["token"]).status == 200
    api.clock.at += 1
    expired = whoami(api, found["token"])
    assert (expired.status, expired.json()["detail"]) == (401, "this token has expired")


def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(api: Api, root: str) -> None:
    add(api, root, "ana")
    add(api, root, "tokensonly", password=None)
    add(api, root, "gone")
    api.ask("PATCH", f"{V1}/users/gone", token=root, json={"disabled": True})
    answers = [
        login(api, "ana", "wrong password"),
        *(login(api, n) for n in ("nobody", "tokensonly", "gone")),
    ]
    assert {answer.status for answer in answers} == {401}
    assert len({answer.body for answer in answers}) == 1


def test_guessing_is_slowed_down_by_user(api: Api, root: str) -> None:
    add(api, root, "ana")
    answers = [login(api, "ana", f"wrong password {n}") for n in range(11)]
    assert [answer.status for answer in answers] == [401] * 10 + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 7
    assert login(api, "ana").status == 429
    assert login(api, "bob", "another password").status == 401
    api.clock.at += 7
    assert login(api, "ana").status == 200
    assert login(api, "ana", "wrong password").status == 401


def test_guessing_is_slowed_down_by_address(api: Api) -> None:
    answers = [login(api, f"user{n}", "wrong password") for n in range(31)]
    assert [answer.status for answer in answers] == [401] * 30 + [429]


def test_no_password_is_ever_logged_or_told(api: Api, root: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    add(api, root, "ana", password=PASSWORD)
    add(api, root, "ana", password=PASSWORD)
    login(api, "ana")
    bad = [
        api.ask("POST", f"{V1}/login", json={"user": "ana", "password": PASSWORD, "more": 1}),
        api.ask("POST", f"{V1}/login", json={"user": {"x": PASSWORD}, "password": [PASSWORD]}),
        api.ask(
            "POST", f"{V1}/users", token=root, json={"name": PASSWORD, "role": PASSWORD, "password": "short"}
        ),
    ]
    assert {answer.status for answer in bad} == {422}
    with api.store.read() as reader:
        told = str(reader.events(0, 100)) + caplog.text + str([answer.body for answer in bad])
        users = str(reader.users())
    assert PASSWORD not in told
    assert PASSWORD not in users
    assert "argon2" not in told


# ------------------------------------------------------------------ who gets in


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer snt_0123456789_" + "0" * 48,
        "Bearer snt_0123456789_" + "0" * 100_000,
        "Bearer ' or 1=1",
        "Bearer \xff\xfe",
        "snt_0123456789_" + "0" * 48,
    ],
)
def test_what_is_no_token_opens_nothing(api: Api, header: str) -> None:
    answer = api.ask("GET", f"{V1}/whoami", headers={"authorization": header})
    assert (answer.status, answer.json()["type"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["hint"]


def test_a_join_token_opens_nothing_here(api: Api) -> None:
    join = api.token("root", Role.ADMIN, kind=TokenKind.JOIN)
    answer = whoami(api, join)
    assert (answer.status, "join token" in answer.json()["detail"]) == (401, True)


def test_a_token_may_what_its_owner_may_now(api: Api, root: str) -> None:
    op = api.token("op", Role.OPERATOR)
    api.node()
    assert api.ask("POST", f"{V1}/nodes/n1/drain", token=op).status == 200
    assert api.ask("PATCH", f"{V1}/users/op", token=root, json={"role": "viewer"}).status == 200
    assert api.ask("POST", f"{V1}/nodes/n1/drain", token=op).status == 403
    assert api.ask("PATCH", f"{V1}/users/op", token=root, json={"disabled": True}).status == 200
    assert "disabled" in whoami(api, op).json()["detail"]
    assert api.ask("PATCH", f"{V1}/users/op", token=root, json={"disabled": False}).status == 200
    assert whoami(api, op).json()["role"] == "viewer"


def test_what_another_process_revokes_ends_within_a_second(api: Api) -> None:
    ana = api.token("ana")
    assert whoami(api, ana).status == 200
    with api.store.read() as reader:
        token = reader.token_by_hash(sha256_of(ana))
    assert token is not None
    api.store.write(lambda tx: tx.put_token(replace(token, revoked_at=api.clock.at)))
    api.clock.at += 1
    assert whoami(api, ana).status == 401


def test_the_last_use_is_written_once_a_minute(api: Api) -> None:
    ana = api.token("ana")

    def last() -> float | None:
        with api.store.read() as reader:
            found = reader.token_by_hash(sha256_of(ana))
        assert found is not None
        return found.last_used_at

    begun = api.clock.at
    whoami(api, ana)
    api.store.write(lambda tx: None)
    assert last() == begun
    api.clock.at += 59
    whoami(api, ana)
    api.store.write(lambda tx: None)
    assert last() == begun
    api.clock.at += 2
    whoami(api, ana)
    api.store.write(lambda tx: None)
    assert last() == begun + 61


# ------------------------------------------------------------------ tokens


def make(api: Api, token: str, **body: object) -> Answer:
    return api.ask("POST", f"{V1}/tokens", token=token, json=body)


def test_a_secret_is_shown_once_and_kept_nowhere(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ana = api.token("ana")
    made = make(api, ana, label="laptop")
    assert made.status == 201
    secret = made.json()["token"]
    assert whoami(api, secret).json()["token_id"] == made.json()["id"]
    listed = api.ask("GET", f"{V1}/tokens", token=ana)
    with api.store.read() as reader:
        kept = str(reader.tokens()) + str(reader.events(0, 100)) + caplog.text
    for text in (listed.body.decode(), kept):
        assert secret not in text
        assert secret.rsplit("_", 1)[1] not in text
    assert made.json()["id"] in {one["id"] for one in listed.json()["items"]}


@pytest.mark.parametrize(("kind", "days"), [("api", 90), ("join", 1)])
def test_tokens_end_by_themselves(api: Api, root: str, kind: str, days: int) -> None:
    assert make(api, root, kind=kind).json()["expires_at"] == rfc3339(api.clock.at + days * 86400)


def test_a_join_token_names_the_authority_and_is_for_admins(api: Api, root: str) -> None:
    made = make(api, root, kind="join").json()
    assert parse_join(made["token"]) == (made["id"], "ca" * 32)
    refused = make(api, api.token("op", Role.OPERATOR), kind="join")
    assert (refused.status, "join tokens" in refused.json()["detail"]) == (403, True)


def test_only_admins_make_tokens_that_never_expire_or_are_somebody_elses(api: Api, root: str) -> None:
    ana = api.token("ana")
    assert make(api, ana, expires_in=None).status == 403
    assert make(api, root, expires_in=None).json()["expires_at"] is None
    assert make(api, ana, owner="root").status == 403
    assert make(api, ana, owner="ana").status == 201
    assert make(api, root, owner="nobody").status == 404
    bobs = make(api, root, owner="ana").json()
    assert whoami(api, bobs["token"]).json()["role"] == "member"


def test_a_revoked_token_opens_nothing_more(api: Api, root: str) -> None:
    ana, bob = api.token("ana"), api.token("bob")
    made = make(api, ana).json()
    assert whoami(api, made["token"]).status == 200
    assert api.ask("DELETE", f"{V1}/tokens/{made['id']}", token=bob).status == 404
    assert whoami(api, made["token"]).status == 200
    assert api.ask("DELETE", f"{V1}/tokens/{made['id']}", token=ana).status == 204
    assert whoami(api, made["token"]).json()["detail"] == "this token was revoked"
    assert api.ask("DELETE", f"{V1}/tokens/{made['id']}", token=root).status == 204


def test_tokens_of_others_are_for_admins(api: Api, root: str) -> None:
    ana, bob = api.token("ana"), api.token("bob")
    make(api, bob, label="bobs")

    def owners(token: str, query: str = "") -> set[str]:
        items = api.ask("GET", f"{V1}/tokens{query}", token=token).json()["items"]
        return {one["owner"] for one in items}

    assert owners(ana) == {"ana"}
    assert owners(ana, "?owner=me") == {"ana"}
    assert api.ask("GET", f"{V1}/tokens?owner=bob", token=ana).status == 403
    assert owners(root) == {"ana", "bob", "root"}
    assert owners(root, "?owner=bob") == {"bob"}
    eve = api.token("eve", Role.ADMIN, tenant="other")
    assert owners(eve) == {"eve"}


# ------------------------------------------------------------------ users


@pytest.mark.parametrize("name", ["Root", "", "a" * 33, "a b", "-a", "1a", "ä", "a\n", "../a"])
def test_names_that_are_none(api: Api, root: str, name: str) -> None:
    assert add(api, root, name).status == 422


def test_me_is_nobodys_name(api: Api, root: str) -> None:
    assert (add(api, root, "me").status, add(api, root, "me").json()["type"]) == (409, "reserved")


@pytest.mark.parametrize("password", ["short", "123456789", "x" * 1025, "a\0bcdefghijk"])
def test_passwords_that_are_none(api: Api, root: str, password: str) -> None:
    answer = add(api, root, "ana", password=password)
    assert (answer.status, answer.json()["errors"][0]["field"]) == (422, "password")


def test_a_name_is_taken_once(api: Api, root: str) -> None:
    assert (add(api, root, "ana").status, add(api, root, "ana").status) == (201, 409)


def test_users_are_listed_without_their_hashes(api: Api, root: str) -> None:
    add(api, root, "ana")
    answer = api.ask("GET", f"{V1}/users", token=root)
    assert [one["name"] for one in answer.json()["items"]] == ["ana", "root"]
    assert answer.json()["items"][0]["has_password"] is True
    assert "$argon2" not in answer.body.decode()


def test_the_last_admin_stays(api: Api, root: str) -> None:
    for body in ({"role": "operator"}, {"disabled": True}):
        refused = api.ask("PATCH", f"{V1}/users/root", token=root, json=body)
        assert (refused.status, refused.json()["type"]) == (409, "last-admin")
    assert api.ask("DELETE", f"{V1}/users/root", token=root).status == 409
    add(api, root, "second", role="admin")
    api.ask("PATCH", f"{V1}/users/second", token=root, json={"disabled": True})
    assert api.ask("DELETE", f"{V1}/users/root", token=root).status == 409
    api.ask("PATCH", f"{V1}/users/second", token=root, json={"disabled": False})
    assert api.ask("DELETE", f"{V1}/users/root", token=root).status == 204
    assert whoami(api, root).status == 401


def test_an_admin_of_another_tenant_does_not_count(api: Api, root: str) -> None:
    api.token("eve", Role.ADMIN, tenant="other")
    assert api.ask("PATCH", f"{V1}/users/root", token=root, json={"disabled": True}).status == 409
    assert api.ask("PATCH", f"{V1}/users/eve", token=root, json={"disabled": True}).status == 404


def test_a_new_password_ends_the_sessions_of_the_old_one(api: Api, root: str) -> None:
    add(api, root, "ana")
    session, token = login(api, "ana").json()["token"], api.token("ana")
    changed = api.ask("PATCH", f"{V1}/users/ana", token=root, json={"password": "another password"})
    assert changed.status == 200
    assert whoami(api, session).status == 401
    assert whoami(api, token).status == 200
    assert login(api, "ana").status == 401
    assert login(api, "ana", "another password").status == 200
    api.ask("PATCH", f"{V1}/users/ana", token=root, json={"password": None})
    assert login(api, "ana", "another password").status == 401


def test_a_change_changes_what_is_named_alone(api: Api, root: str) -> None:
    add(api, root, "ana", role="operator")
    api.ask("PATCH", f"{V1}/users/ana", token=root, json={"disabled": True})
    found = api.ask("GET", f"{V1}/users", token=root).json()["items"][0]
    assert (found["role"], found["disabled"], found["has_password"]) == ("operator", True, True)
    assert api.ask("PATCH", f"{V1}/users/ana", token=root, json={}).status == 422
    assert api.ask("PATCH", f"{V1}/users/ana", token=root, json={"name": "x"}).status == 422


def test_whoever_gets_a_removed_users_name_inherits_nothing(api: Api, root: str) -> None:
    ana = api.token("ana")
    id = api.submit(ana)["id"]
    refused = api.ask("DELETE", f"{V1}/users/ana", token=root)
    assert (refused.status, refused.json()["type"]) == (409, "has-jobs")
    api.ask("POST", f"{V1}/jobs/{id}/cancel", token=ana)
    assert api.ask("DELETE", f"{V1}/users/ana", token=root).status == 204
    assert whoami(api, ana).status == 401
    add(api, root, "ana")
    assert whoami(api, ana).status == 401


def test_what_is_done_to_users_and_tokens_is_an_event(api: Api, root: str) -> None:
    add(api, root, "ana")
    api.ask("PATCH", f"{V1}/users/ana", token=root, json={"role": "viewer"})
    made = make(api, root, owner="ana").json()
    api.ask("DELETE", f"{V1}/tokens/{made['id']}", token=root)
    api.ask("DELETE", f"{V1}/users/ana", token=root)
    events = api.ask("GET", f"{V1}/events", token=root).json()["items"]
    assert [event["type"] for event in events] == [
        "sentinel.user.added",
        "sentinel.user.changed",
        "sentinel.token.made",
        "sentinel.token.revoked",
        "sentinel.user.removed",
    ]
    assert all(event["data"]["by"] == "root" for event in events)
