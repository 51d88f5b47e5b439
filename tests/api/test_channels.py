"""Channels, routes and deliveries: secrets are written and never read, and who is told is shown."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.api import in_process
from tests.api.alert_world import a_notice, an_alert, event_types, keep, tell
from tests.api.in_process import V1, Answer, Api

from sentinel.api.state import ApiState
from sentinel.core.identity import Role
from sentinel.ports.notifier import Channel, Message, NotifyError

HOOK = {"kind": "webhook", "url": "https://chat.example.org/hooks/SECRET-1", "secret": "SECRET-22"}
FULL = HOOK | {"headers": {"Authorization": "Bearer SECRET-3"}, "ca_file": "/etc/ca.pem", "timeout": 5}
SHOWN = {
    "name": "chat",
    "kind": "webhook",
    "to": "https://chat.example.org",
    "signed": True,
    "headers": ["Authorization"],
    "ca_file": "/etc/ca.pem",
    "timeout": 5,
}


class Told(ApiState):
    """With somebody who sends."""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setattr(in_process, "ApiState", Told)
    with Api() as api:
        yield api


@pytest.fixture
def ops(api: Api) -> str:
    return api.token("ops", Role.OPERATOR)


def put(api: Api, asker: str, name: str = "chat", /, **body: Any) -> Answer:
    return api.ask("PUT", f"{V1}/channels/{name}", token=asker, json=body or FULL)


def test_a_channel_is_written_and_its_secrets_are_never_seen(api: Api, ops: str) -> None:
    answers = [
        put(api, ops),
        api.ask("GET", f"{V1}/channels/chat", token=ops),
        api.ask("GET", f"{V1}/channels", token=ops),
        api.ask("GET", f"{V1}/events", token=ops),
        put(api, ops, "other", **FULL | {"headers": {"Host": "SECRET-4"}}),
        put(api, ops, "other", **FULL | {"url": "ftp://SECRET-5"}),
        put(api, ops, "other", **FULL | {"kind": "SECRET-6"}),
    ]
    assert [one.status for one in answers] == [200, 200, 200, 200, 422, 422, 422]
    assert all(b"SECRET" not in one.body for one in answers), [one.body for one in answers]
    assert answers[0].json() == answers[1].json() == SHOWN
    fares = {"waiting": 0, "sent": 0, "given_up": 0, "last_sent_at": None, "error": ""}
    assert answers[2].json()["items"] == [SHOWN | {"fares": fares}]
    with api.store.read() as reader:
        kept = reader.document("channel", "chat")
    assert kept is not None
    assert kept.data is not None
    assert kept.data["secret"] == "SECRET-22"
    put(api, ops)
    assert event_types(api, "channel") == ["channel.changed"]


def test_a_timeout_may_be_written_as_text(api: Api, ops: str) -> None:
    assert put(api, ops, "chat", **HOOK | {"timeout": "7s"}).json()["timeout"] == 7


def test_a_channel_goes(api: Api, ops: str) -> None:
    put(api, ops)
    put(api, ops, "mail")
    route = {"routes": [{"name": "all", "channels": ["chat"]}]}
    assert api.ask("PUT", f"{V1}/alert-routes", token=ops, json=route).status == 200
    used = api.ask("DELETE", f"{V1}/channels/chat", token=ops)
    assert (used.status, used.json()["type"]) == (409, "in-use")
    assert api.ask("DELETE", f"{V1}/channels/mail", token=ops).status == 204
    for method in ("GET", "DELETE"):
        gone = api.ask(method, f"{V1}/channels/mail", token=ops)
        assert (gone.status, gone.json()["type"]) == (404, "no-such-channel")
    assert event_types(api, "channel")[-1] == "channel.removed"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a:b", HOOK),
        ("a%2Fb", HOOK),
        ("x", {"kind": "webhook"}),
        ("x", HOOK | {"url": "https://user:password@example.org"}),
        ("x", {"kind": "pagerduty"}),
        ("x", HOOK | {"timeout": 0}),
        ("x", HOOK | {"timeout": "0s"}),
        ("x", HOOK | {"timeout": "1h"}),
        ("x", HOOK | {"token": "x"}),
        ("x", HOOK | {"headers": {"a b": "c"}}),
        ("x", {"kind": "apprise", "url": "slack://a/b/c", "secret": "12345678"}),
    ],
)
def test_channels_that_cannot_be(api: Api, ops: str, name: str, body: Any) -> None:
    assert put(api, ops, name, **body).status in (404, 422)
    assert event_types(api, "channel") == []


def test_a_test_message(api: Api, ops: str) -> None:
    put(api, ops)
    sent: list[tuple[Channel, Message, str]] = []
    api.state.notify = lambda *what: sent.append(what)
    answer = api.ask("POST", f"{V1}/channels/chat/test", token=ops)
    assert (answer.status, answer.json()) == (200, {"sent": True})
    ((channel, message, key),) = sent
    assert (channel.name, channel.url) == ("chat", HOOK["url"])
    assert (message.severity, message.alerts, "ops" in message.body) == ("info", (), True)
    assert key.startswith("test-")

    def refuse(*_: object) -> None:
        raise NotifyError("chat.example.org said 403 Forbidden", retry=False)

    api.state.notify = refuse
    answer = api.ask("POST", f"{V1}/channels/chat/test", token=ops)
    assert (answer.status, answer.json()["type"]) == (502, "not-sent")
    assert answer.json()["detail"] == "chat.example.org said 403 Forbidden"
    assert api.ask("POST", f"{V1}/channels/nobody/test", token=ops).status == 404


# ------------------------------------------------------------------ routes


def routes(api: Api, token: str) -> dict[str, Any]:
    return api.ask("GET", f"{V1}/alert-routes", token=token).json()


def test_all_channels_hear_of_everything_while_nobody_wrote_routes(api: Api, ops: str) -> None:
    assert routes(api, ops)["routes"][0]["channels"] == []
    put(api, ops)
    put(api, ops, "mail")
    found = routes(api, ops)
    assert (found["default"], found["inhibitions"]) == (True, [])
    (route,) = found["routes"]
    assert (route["name"], route["channels"], route["group_by"]) == ("default", ["chat", "mail"], ["rule"])
    assert {one["name"] for one in found["shipped_inhibitions"]} == {"silent-node", "hot-anyway"}


def test_routes_are_written_in_their_order(api: Api, ops: str) -> None:
    put(api, ops)
    put(api, ops, "mail")
    wanted: dict[str, Any] = {
        "routes": [
            {"name": "z", "channels": ["chat"], "matches": {"severity": "critical"}, "goes_on": True},
            {"name": "a", "channels": ["mail", "chat"], "group_wait": "30s", "repeat_interval": 0},
        ],
        "inhibitions": [{"name": "i", "source": {"rule": "x"}, "target": {"rule": ["y", "z*"]}}],
    }
    answer = api.ask("PUT", f"{V1}/alert-routes", token=ops, json=wanted)
    assert answer.status == 200
    found = answer.json()
    assert found == routes(api, ops)
    assert ([one["name"] for one in found["routes"]], found["default"]) == (["z", "a"], False)
    assert found["routes"][0]["matches"] == {"severity": ["critical"]}
    assert (found["routes"][1]["group_wait"], found["routes"][1]["repeat_interval"]) == (30, 0)
    assert found["inhibitions"] == [
        {"name": "i", "source": {"rule": ["x"]}, "target": {"rule": ["y", "z*"]}, "equal": []}
    ]
    api.ask("PUT", f"{V1}/alert-routes", token=ops, json=wanted)
    wanted["routes"].reverse()
    api.ask("PUT", f"{V1}/alert-routes", token=ops, json=wanted)
    assert [one["name"] for one in routes(api, ops)["routes"]] == ["a", "z"]
    assert api.ask("PUT", f"{V1}/alert-routes", token=ops, json={}).json()["default"] is True
    assert event_types(api, "alert_route") == ["alert_route.changed"] * 3


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"routes": [{"name": "a", "channels": ["nobody"]}]}, "no-such-channel"),
        ({"routes": [{"name": "a", "channels": ["chat"]}] * 2}, "named-twice"),
        ({"inhibitions": [{"name": "a", "source": {"a": "b"}, "target": {"a": "b"}}] * 2}, "named-twice"),
        ({"routes": [{"name": "a", "channels": []}]}, "invalid"),
        ({"routes": [{"name": "a", "channels": ["chat"], "match": {}}]}, "invalid"),
        ({"inhibitions": [{"name": "a", "source": {}, "target": {"a": "b"}}]}, "invalid"),
    ],
)
def test_routes_that_cannot_be(api: Api, ops: str, body: Any, kind: str) -> None:
    put(api, ops)
    answer = api.ask("PUT", f"{V1}/alert-routes", token=ops, json=body)
    assert (answer.status in (409, 422), answer.json()["type"]) == (True, kind), answer.body
    assert routes(api, ops)["default"] is True


# ------------------------------------------------------------------ deliveries


def test_what_was_sent_newest_first(api: Api, ops: str) -> None:
    put(api, ops)
    hot, other = an_alert(api), an_alert(api, node="gpu02")
    keep(api, hot, other)
    tell(api, a_notice(api, hot, channels=("chat", "mail")), {"chat": "401 Unauthorized"})
    api.clock.at += 60
    tell(api, a_notice(api, hot, other, channels=("chat",), sequence=1), {"chat": "waiting"})
    found = api.ask("GET", f"{V1}/deliveries", token=ops).json()["items"]
    assert (found[0]["channel"], found[0]["state"]) == ("chat", "waiting")
    assert {(one["channel"], one["state"]) for one in found[1:]} == {("chat", "given-up"), ("mail", "sent")}
    assert found[0]["title"] == "[FIRING] GPU 0 of gpu01 is hot (and 1 more)"
    assert found[0]["alerts"][0] == {"fingerprint": hot.fingerprint, "rule": "gpu-hot", "state": "firing"}
    one = api.ask("GET", f"{V1}/deliveries?state=given-up&channel=chat", token=ops).json()["items"]
    assert [each["error"] for each in one] == ["401 Unauthorized"]
    first = api.ask("GET", f"{V1}/deliveries?limit=1", token=ops).json()
    after = first["next"].replace(" ", "%20")
    rest = api.ask("GET", f"{V1}/deliveries?after={after}", token=ops).json()
    assert first["items"] + rest["items"] == found
    (channel,) = api.ask("GET", f"{V1}/channels", token=ops).json()["items"]
    assert channel["fares"] == {
        "waiting": 1,
        "sent": 0,
        "given_up": 1,
        "last_sent_at": None,
        "error": "401 Unauthorized",
    }


def test_members_look_and_do_not_touch(api: Api, ops: str) -> None:
    ada = api.token("ada", Role.MEMBER)
    put(api, ops)
    for path in ("channels", "channels/chat", "alert-routes", "deliveries"):
        assert api.ask("GET", f"{V1}/{path}", token=ada).status == 200
    assert put(api, ada).status == 403
    assert api.ask("DELETE", f"{V1}/channels/chat", token=ada).status == 403
    assert api.ask("POST", f"{V1}/channels/chat/test", token=ada).status == 403
    assert api.ask("PUT", f"{V1}/alert-routes", token=ada, json={}).status == 403


# ------------------------------------------------------------------ jobs that tell


def test_a_job_names_channels_that_there_are(api: Api, ops: str) -> None:
    put(api, ops, "mail")
    job = api.submit(ops, notify=["mail:end", "mail:fail", "mail:end"])
    assert job["spec"]["notify"] == ["mail:end", "mail:fail"]
    assert api.job(job["id"]).spec.notify == ("mail:end", "mail:fail")
    assert api.submit(ops)["spec"]["notify"] == []
    body = {"command": ["true"], "cwd": "/", "notify": ["pager:end"]}
    refused = api.ask("POST", f"{V1}/jobs", token=ops, json=body)
    assert (refused.status, refused.json()["type"]) == (409, "no-such-channel")
    assert "there are: mail" in refused.json()["hint"]
    refused = api.ask("POST", f"{V1}/jobs", token=ops, json=body | {"array": "0-3"})
    assert (refused.status, refused.json()["type"]) == (409, "no-such-channel")
    for wrong in ("mail", "mail:never", ":end", "mail:end,fail"):
        assert api.ask("POST", f"{V1}/jobs", token=ops, json=body | {"notify": [wrong]}).status == 422


def test_a_submit_that_is_repeated_is_not_looked_at_again(api: Api, ops: str) -> None:
    put(api, ops, "mail")
    body = {"command": ["true"], "cwd": "/", "notify": ["mail:end"]}
    key = {"Idempotency-Key": "k"}
    first = api.ask("POST", f"{V1}/jobs", token=ops, json=body, headers=key)
    api.ask("DELETE", f"{V1}/channels/mail", token=ops)
    again = api.ask("POST", f"{V1}/jobs", token=ops, json=body, headers=key)
    assert (first.status, again.status, again.json()["id"]) == (201, 200, first.json()["id"])
