"""The calls about alerts, against the real routes: what the client sends is what the API takes."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.api import in_process
from tests.api.alert_world import a_notice, an_alert, keep, tell
from tests.api.in_process import V1, Api
from tests.client.fake_controller import FakeController, Reply, Request

from sentinel.api.state import ApiState
from sentinel.client.sync import Client
from sentinel.core.errors import ApiError
from sentinel.core.identity import Role

RULE = {"name": "mine", "metric": "m", "op": ">", "threshold": 1, "for": "2m"}
HOOK = {"kind": "webhook", "url": "https://chat.example.org/x"}


class Told(ApiState):
    """With somebody who sends."""


class Forwarded(dict[str, Any]):
    """Answers everything with what the API in this process answers."""

    def __init__(self, api: Api, token: str) -> None:
        self.api, self.token = api, token

    def get(self, what: str, default: Any = None) -> Any:
        return self.answer

    def answer(self, request: Request) -> Reply:
        query = "&".join(f"{name}={one}" for name, many in request.query.items() for one in many)
        path = f"{V1}/{request.path}" + (f"?{query.replace(' ', '%20')}" if query else "")
        found = self.api.ask(
            request.method,
            path,
            token=self.token,
            body=request.body or None,
            headers={"content-type": "application/json"} if request.body else None,
        )
        return Reply(
            status=found.status,
            body=found.body,
            headers={"Content-Type": found.headers.get("content-type", "")},
        )


@pytest.fixture
def api(fake: FakeController, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setattr(in_process, "ApiState", Told)
    with Api() as api:
        fake.answers = Forwarded(api, api.token("ops", Role.OPERATOR))
        yield api


def test_alerts(api: Api, client: Client) -> None:
    assert (client.alerts(), client.alert_watch()) == ([], None)
    api.store.write(lambda tx: tx.set_meta("alerting", f'{{"round_at": {api.clock.at}}}'))
    hot, other = an_alert(api), an_alert(api, node="gpu02")
    keep(api, hot, other)
    assert len(client.alerts(state=["firing", "pending"], rule="gpu-hot", severity=["warning"])) == 2
    assert [one["labels"]["node"] for one in client.alerts(node="gpu02")] == ["gpu02"]
    watch = client.alert_watch()
    assert watch is not None
    assert watch["age"] == 0
    assert client.alert(hot.fingerprint[:8])["rule"] == "gpu-hot"
    assert client.ack_alert(hot.fingerprint, "seen")["ack"]["why"] == "seen"
    assert client.unack_alert(hot.fingerprint)["ack"] is None
    with pytest.raises(ApiError, match="there is no alert"):
        client.alert("ffff")


def test_rules(api: Api, client: Client) -> None:
    assert client.put_alert_rule("mine", RULE)["did"] == "created"
    assert client.alert_rule("mine")["for"] == 120
    assert "mine" in [one["name"] for one in client.alert_rules()]
    assert "nobody knows" in client.preview_alert_rule(RULE, "1h")["says"]
    client.remove_alert_rule("mine")
    with pytest.raises(ApiError, match="there is no alert-rule 'mine'"):
        client.remove_alert_rule("mine")


def test_silences(api: Api, client: Client) -> None:
    weekly = {"days": ["sat"], "zone": "UTC"}
    made = client.add_silence({"node": ["a", "b"]}, end="2028-01-01T00:00:00Z", why="x", weekly=weekly)
    assert client.silence(made["id"]) == made
    later = client.add_silence({"a": "b"}, start="2027-06-01T00:00:00Z", end="2028-02-01T00:00:00Z", why="x")
    assert [one["id"] for one in client.silences()] == [made["id"], later["id"]]
    client.end_silence(later["id"])
    assert [one["id"] for one in client.silences()] == [made["id"]]


def test_channels_routes_and_deliveries(api: Api, client: Client) -> None:
    assert client.put_channel("chat", HOOK)["to"] == "https://chat.example.org"
    assert client.channel("chat")["name"] == "chat"
    assert client.channels()[0]["fares"]["error"] == ""
    api.state.notify = lambda *_: None
    assert client.test_channel("chat") == {"sent": True}
    assert client.alert_routes()["default"] is True
    inhibition = {"name": "i", "source": {"rule": "x"}, "target": {"rule": "y"}}
    assert client.put_alert_routes([{"name": "all", "channels": ["chat"]}], [inhibition])["default"] is False
    client.put_alert_routes([])
    tell(api, a_notice(api, an_alert(api), channels=("chat", "mail")))
    assert len(client.deliveries()) == 2
    assert len(client.deliveries(state=["sent"], channel="chat", limit=5)) == 1
    assert client.submit(["true"], cwd="/", notify=["chat:end"])["spec"]["notify"] == ["chat:end"]
    client.remove_channel("chat")
    with pytest.raises(ApiError, match="there is no channel chat"):
        client.submit(["true"], cwd="/", notify=["chat:end"])
