"""Asking an Alertmanager that refuses, lies, or has silences of every kind. The real one: tests/real."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.drivers.notifiers.receiver import Receiver

from sentinel.core.errors import UsageError
from sentinel.drivers.notifiers.alertmanager import Alertmanager
from sentinel.ports.notifier import NotifyError, PostedAlert

SECRET = "a-token-of-which-nobody-may-hear"
ALERT = PostedAlert(
    labels={"alertname": "gpu-hot", "node": "gpu01"}, annotations={"summary": "hot"}, starts_at=1_780_000_000
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver.running() as made:
        yield made


def silence(*matchers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "5a1c",
        "status": {"state": "active"},
        "startsAt": "2026-05-28T20:00:00.000Z",
        "endsAt": "2026-05-28T22:00:00.000+02:00",
        "updatedAt": "2026-05-28T20:00:00.000Z",
        "createdBy": "anna",
        "comment": "new fans",
        "matchers": list(matchers),
        **more,
    }


def matching(name: str, value: str, *, regex: bool = False, equal: bool | None = True) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "value": value, "isRegex": regex}
    return found if equal is None else {**found, "isEqual": equal}


def test_alerts_are_posted_a_thousand_at_a_time(receiver: Receiver) -> None:
    Alertmanager(f"{receiver.url}/am/").post([ALERT] * 1001)
    assert [told.path for told in receiver.told] == ["/am/api/v2/alerts"] * 2
    assert [len(json.loads(told.body)) for told in receiver.told] == [1000, 1]


def test_an_alert(receiver: Receiver) -> None:
    over = PostedAlert(
        labels={"alertname": "x", "job": "\udce9<b>", "empty": "", "not-a-name": "y", "": "z"},
        annotations={"summary": "line\nbreak", "not-a-name": "y"},
        starts_at=1_780_000_000,
        ends_at=1_780_000_060,
        url="https://sentinel.example/alerts",
    )
    Alertmanager(receiver.url).post([ALERT, over])
    assert json.loads(receiver.told[0].body) == [
        {
            "labels": {"alertname": "gpu-hot", "node": "gpu01"},
            "annotations": {"summary": "hot"},
            "startsAt": "2026-05-28T20:26:40.000Z",
        },
        {
            "labels": {"alertname": "x", "job": "?<b>"},
            "annotations": {"summary": "line\nbreak"},
            "startsAt": "2026-05-28T20:26:40.000Z",
            "endsAt": "2026-05-28T20:27:40.000Z",
            "generatorURL": "https://sentinel.example/alerts",
        },
    ]


def test_nothing_to_tell_is_no_request(receiver: Receiver) -> None:
    Alertmanager(receiver.url).post([])
    assert receiver.told == []


def test_silences(receiver: Receiver) -> None:
    receiver.body = json.dumps(
        [
            silence(matching("node", "gpu01"), matching("team", "vision", equal=False)),
            silence(matching("node", "gpu0[12]|x.*", regex=True, equal=None), id="old"),
            silence(matching("node", "(?i)GPU01", regex=True), id="unread"),
            silence(matching("node", "gpu01"), id="later", status={"state": "pending"}),
            silence(matching("owner", "", equal=False), id="has an owner"),
        ]
    ).encode()
    found = {one.id: one for one in Alertmanager(receiver.url).silences()}
    assert found.keys() == {"5a1c", "old", "unread", "has an owner"}
    first = found["5a1c"]
    assert (first.by, first.why, first.start, first.end) == ("anna", "new fans", 1779998400.0, 1779998400.0)
    assert first.covers({"node": "gpu01"}) and first.covers({"node": "gpu01", "team": "text"})
    assert not first.covers({"node": "gpu01", "team": "vision"}) and not first.covers({"node": "gpu02"})
    assert found["old"].covers({"node": "gpu02"}) and found["old"].covers({"node": "x-9"})
    assert not found["old"].covers({"node": "gpu012"}) and not found["old"].covers({})
    assert "node cannot be read" in (found["unread"].unread or "")
    assert not found["unread"].covers({"node": "gpu01"}), "telling too much is the safe side"
    assert found["has an owner"].covers({"owner": "b"}) and not found["has an owner"].covers({})


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b"[1]", b'[{"id": 1}]', b"[" * 100_000, b"<html>", b"\xff"]
)
def test_what_is_no_list_of_silences(body: bytes, receiver: Receiver) -> None:
    receiver.body = body
    with pytest.raises(NotifyError, match="as an Alertmanager does"):
        Alertmanager(receiver.url).silences()


def test_its_token_is_read_each_time_and_in_no_message(receiver: Receiver, tmp_path: Path) -> None:
    file = tmp_path / "token"
    made = Alertmanager(receiver.url, token_file=str(file))
    with pytest.raises(NotifyError, match="token"):
        made.post([ALERT])
    file.write_text(f"{SECRET}\n")
    receiver.status, receiver.body = 401, f"no {SECRET}".encode()
    with pytest.raises(NotifyError) as caught:
        made.post([ALERT])
    assert SECRET not in caught.value.message and not caught.value.retry
    assert receiver.told[0].headers["authorization"] == f"Bearer {SECRET}"


def test_refusals_say_whether_to_try_again(receiver: Receiver) -> None:
    receiver.status, receiver.body = 400, b"start time must be before end time"
    with pytest.raises(NotifyError, match="start time") as caught:
        Alertmanager(receiver.url).post([ALERT])
    assert not caught.value.retry
    receiver.status, receiver.headers = 503, {"Retry-After": "3"}
    with pytest.raises(NotifyError) as caught:
        Alertmanager(receiver.url).silences()
    assert caught.value.retry and caught.value.retry_after == 3


@pytest.mark.parametrize(
    "url",
    ["", "alertmanager:9093", "ftp://x", "http://", "http://u:hunter2@x", "http://x?y=hunter2", "http://x:0",
     "http://x:notaport", "http://x/ y", "http://[x"],
)  # fmt: skip
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Alertmanager(url)
    assert "hunter2" not in caught.value.message
