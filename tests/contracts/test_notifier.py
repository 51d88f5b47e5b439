"""What every notifier owes its port, run against each: messages arrive as data, refusals say whether to try
again, nothing is sent elsewhere, and no secret is in an error."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.drivers.notifiers.messages import HOSTILE, IDEAS, KEY, MESSAGE, RESOLVED, ROUTING_KEY, channel
from tests.drivers.notifiers.receiver import Receiver, certificates

from sentinel.drivers.notifiers.opening import open_notifier
from sentinel.ports.notifier import Channel, ChannelKind, NotifyError

SECRET = "t0ken-of-which-nobody-may-hear"
KINDS = list(ChannelKind)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver.running() as made:
        yield made


def to(kind: ChannelKind, url: str, **more: object) -> Channel:
    """A channel of `kind` that ends at the web server `url`, with a secret in its address."""
    path = f"{url}/hooks/{SECRET}?password={SECRET}"
    if kind is ChannelKind.APPRISE:
        path = path.replace("https://", "jsons://").replace("http://", "json://")
    return channel(kind, path, **more)


def refusal(channel: Channel) -> NotifyError:
    with pytest.raises(NotifyError) as caught:
        open_notifier(channel).send(MESSAGE, KEY)
    said = caught.value.message
    assert SECRET not in said and ROUTING_KEY not in said
    assert "?" in said or ":" in said, "it says what to do"
    assert caught.value.__cause__ is None, "what it was made of may hold a secret"
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_arrives_once(kind: ChannelKind, receiver: Receiver) -> None:
    notifier = open_notifier(to(kind, receiver.url))
    notifier.send(MESSAGE, KEY)
    notifier.close()
    (told,) = receiver.told
    assert told.method == "POST" and told.path.startswith(f"/hooks/{SECRET}")
    assert told.headers["content-type"].startswith("application/json")
    text = json.dumps(json.loads(told.body), ensure_ascii=False)
    assert "GPU 3 of gpu01 is at 91 degrees" in text


@pytest.mark.parametrize("kind", KINDS)
def test_that_it_is_over_reads_otherwise(kind: ChannelKind, receiver: Receiver) -> None:
    notifier = open_notifier(to(kind, receiver.url))
    notifier.send(MESSAGE, KEY)
    notifier.send(RESOLVED, "other")
    first, second = (json.loads(told.body) for told in receiver.told)
    field = {
        ChannelKind.WEBHOOK: "status",
        ChannelKind.ALERTMANAGER_WEBHOOK: "status",
        ChannelKind.PAGERDUTY: "event_action",
        ChannelKind.APPRISE: "type",
    }[kind]
    assert (first[field], second[field]) in {
        ("firing", "resolved"),
        ("trigger", "resolve"),
        ("warning", "success"),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_what_others_wrote_arrives_as_data(kind: ChannelKind, receiver: Receiver) -> None:
    open_notifier(to(kind, receiver.url)).send(HOSTILE, KEY)
    (told,) = receiver.told
    text = json.dumps(json.loads(told.body.decode("utf-8")), ensure_ascii=False)
    assert "😀" in text and "\udce9" not in text
    assert "bcc" not in told.headers
    if kind is not ChannelKind.APPRISE:
        ours = IDEAS.replace("\udce9", "?")
        assert json.dumps(ours, ensure_ascii=False).strip('"') in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_of_thousands_of_alerts_arrives(kind: ChannelKind, receiver: Receiver) -> None:
    many = tuple(replace(MESSAGE.alerts[0], fingerprint=f"{n:016x}") for n in range(3000))
    open_notifier(to(kind, receiver.url)).send(replace(MESSAGE, alerts=many), KEY)
    (told,) = receiver.told
    assert len(told.body) < 512 * 1024


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_not_now_is_tried_again(kind: ChannelKind, status: int, receiver: Receiver) -> None:
    receiver.status, receiver.headers = status, {"Retry-After": "37"}
    error = refusal(to(kind, receiver.url))
    assert error.retry and error.retry_after == 37
    assert str(status) in error.message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
def test_never_is_not(kind: ChannelKind, status: int, receiver: Receiver) -> None:
    receiver.status, receiver.headers = status, {"Retry-After": "37"}
    to_it = to(kind, receiver.url)
    receiver.body = f"no such token: {SECRET} {to_it.secret}".encode()
    error = refusal(to_it)
    assert not error.retry and error.retry_after is None
    assert str(status) in error.message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_it_is_sent_nowhere_else(kind: ChannelKind, status: int, receiver: Receiver) -> None:
    with Receiver.running() as elsewhere:
        receiver.status = status
        receiver.headers = {"Location": f"{elsewhere.url}/{SECRET}"}
        error = refusal(to(kind, receiver.url))
        assert not error.retry
        assert len(receiver.told) == 1 and elsewhere.told == []


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_there_is_tried_again(kind: ChannelKind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert refusal(to(kind, url)).retry


@pytest.mark.parametrize("kind", KINDS)
def test_it_blocks_no_longer_than_its_timeout(kind: ChannelKind, receiver: Receiver) -> None:
    receiver.held = threading.Event()
    error = refusal(to(kind, receiver.url, timeout=1.0))
    assert error.retry and "1 s" in error.message
    assert "?" in error.message


@pytest.mark.parametrize("kind", KINDS)
def test_the_environment_names_no_proxy(
    kind: ChannelKind, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    open_notifier(to(kind, receiver.url)).send(MESSAGE, KEY)
    assert len(receiver.told) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_is_checked_against_the_authority_that_is_named(
    kind: ChannelKind, tmp_path: Path
) -> None:
    ours = certificates(tmp_path / "ours")
    others = certificates(tmp_path / "others")
    with Receiver.running(tls=ours) as receiver:
        open_notifier(to(kind, receiver.url, ca_file=str(ours / "ca.pem"))).send(MESSAGE, KEY)
        assert len(receiver.told) == 1
        assert refusal(to(kind, receiver.url, ca_file=str(others / "ca.pem"))).retry
        assert refusal(to(kind, receiver.url)).retry
        assert len(receiver.told) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_for_another_host_is_none(kind: ChannelKind, tmp_path: Path) -> None:
    ours = certificates(tmp_path, "another.example")
    with Receiver.running(tls=ours) as receiver:
        assert refusal(to(kind, receiver.url, ca_file=str(ours / "ca.pem"))).retry
        assert receiver.told == []
