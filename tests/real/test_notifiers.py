"""Telling real ones: a mail server over TLS with a password, a webhook over TLS, an Alertmanager."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.components.alertmanager import Alertmanager as Real
from tests.drivers.notifiers.mail_server import MailServer
from tests.drivers.notifiers.messages import HOSTILE, IDEAS, KEY, MESSAGE, RESOLVED, channel
from tests.drivers.notifiers.receiver import Receiver, certificates
from tests.drivers.notifiers.test_webhook import signed_by

from sentinel.core.clock import wall
from sentinel.drivers.notifiers.alertmanager import Alertmanager
from sentinel.drivers.notifiers.opening import open_notifier
from sentinel.ports.notifier import Channel, ChannelKind, NotifyError, PostedAlert

pytestmark = pytest.mark.real

LOGIN = ("sentinel", "hunter2hunter2")
SECRET = "a-key-for-signing"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates(tmp_path_factory.mktemp("pki"), "localhost", "127.0.0.1")


def mail(server: MailServer, *, ca: Path | None = None, to: str = "anna@example.com", **more: str) -> Channel:
    if ca is None:
        return channel(ChannelKind.APPRISE, f"mailto://127.0.0.1:{server.port}?from=s@example.com&to={to}")
    name, password = LOGIN[0], more.get("password", LOGIN[1])
    url = f"mailtos://{name}:{password}@localhost:{server.port}?mode=starttls&from=s@example.com&to={to}"
    return channel(ChannelKind.APPRISE, url, ca_file=str(ca / "ca.pem"))


def refusal(channel: Channel) -> NotifyError:
    with pytest.raises(NotifyError) as caught:
        open_notifier(channel).send(MESSAGE, KEY)
    assert LOGIN[1] not in caught.value.message
    return caught.value


def test_a_mail_arrives_over_tls_for_whoever_knows_the_password(pki: Path, tmp_path: Path) -> None:
    with MailServer.running(tls=pki, login=LOGIN) as server:
        open_notifier(mail(server, ca=pki)).send(MESSAGE, KEY)
        (told,) = server.mails
        assert server.encrypted == [True] and server.recipients == ["anna@example.com"]
        assert told["Subject"] == MESSAGE.title
        body = told.get_body(("plain",))
        assert body is not None and MESSAGE.body.splitlines()[0] in body.get_content()
        wrong = refusal(mail(server, ca=pki, password="a-wrong-one"))
        assert not wrong.retry and "SMTP 535" in wrong.message and "a-wrong-one" not in wrong.message
        assert refusal(mail(server, ca=certificates(tmp_path))).retry, "nobody vouches for that certificate"
        assert len(server.mails) == 1


def test_what_others_wrote_makes_no_other_mail() -> None:
    with MailServer.running() as server:
        open_notifier(mail(server)).send(HOSTILE, KEY)
        (told,) = server.mails
        assert server.recipients == ["anna@example.com"] and told["Bcc"] is None
        assert "everybody@evil.example" in str(told["Subject"])
        body = told.get_body(("plain",))
        assert body is not None and "QUIT" in body.get_content()
        assert IDEAS.split(" 😀")[0] in body.get_content()
        assert told.get_body(("html",)) is None, "nothing in it is markup"


def test_as_html_it_is_escaped() -> None:
    with MailServer.running() as server:
        plain = mail(server)
        open_notifier(replace(plain, url=f"{plain.url}&format=html")).send(HOSTILE, KEY)
        html = server.mails[0].get_body(("html",))
        assert html is not None and "<script" not in html.get_content()
        assert "&lt;script&gt;" in html.get_content()


def test_a_mail_that_is_refused() -> None:
    with MailServer.running() as server:
        server.refuses = "550 no such mailbox"
        never = refusal(mail(server))
        assert not never.retry and "SMTP 550" in never.message
        server.refuses = "451 try again"
        assert refusal(mail(server)).retry
    assert refusal(mail(server)).retry, "it is down"


def test_a_webhook_over_tls_knows_who_wrote(pki: Path) -> None:
    with Receiver.running(tls=pki) as receiver:
        to = channel(ChannelKind.WEBHOOK, receiver.url, secret=SECRET, ca_file=str(pki / "ca.pem"))
        open_notifier(to).send(MESSAGE, KEY)
        assert signed_by(SECRET, receiver.told[0], time.time())


@pytest.fixture(scope="module")
def told() -> Iterator[Receiver]:
    with Receiver.running() as made:
        yield made


@pytest.fixture(scope="module")
def real(told: Receiver) -> Iterator[Real]:
    with Real.running(webhook=told.url) as made:
        yield made


def awaited(found: Callable[[], object], what: str, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def posted(**labels: str) -> PostedAlert:
    return PostedAlert(
        labels={"alertname": "gpu-hot", "severity": "warning", **labels},
        annotations={"summary": f"{labels}"},
        starts_at=wall() - 30,
        url="https://sentinel.example/alerts",
    )


def test_an_alertmanager_is_fed_and_told_of_the_end(real: Real, told: Receiver) -> None:
    alert = posted(node="gpu01", gpu="3")
    feed = Alertmanager(real.url)
    feed.post([alert])
    feed.post([alert])
    (found,) = [one for one in real.alerts() if one["labels"]["node"] == "gpu01"]
    assert found["labels"] == alert.labels and found["annotations"] == alert.annotations
    assert found["generatorURL"] == alert.url and found["status"]["state"] in ("active", "unprocessed")

    def states() -> list[str]:
        bodies = [json.loads(one.body) for one in told.told]
        return [body["status"] for body in bodies if body["commonLabels"].get("node") == "gpu01"]

    awaited(lambda: states() == ["firing"], "it tells its own receiver")
    feed.post([replace(alert, ends_at=wall())])
    awaited(lambda: states() == ["firing", "resolved"], "and that it is over")
    assert [one for one in real.alerts() if one["labels"].get("node") == "gpu01"] == []


def test_its_silences_hold_here_as_there(real: Real) -> None:
    feed = Alertmanager(real.url)
    feed.post([posted(node="gpu02"), posted(node="gpu03"), posted(node="cpu-1")])
    ids = [
        real.silence({"node": "gpu02"}, 60),
        real.silence({"alertname": "gpu-.*", "node": "gpu0[3-5]|cpu"}, 60, regex=True),
    ]
    silences = feed.silences()
    assert {one.id for one in silences} == set(ids)
    assert {(one.by, one.why) for one in silences} == {("anna", "new fans")}
    assert all(-5 < one.start - wall() < 5 and 50 < one.end - wall() < 70 for one in silences)

    def there() -> dict[str, bool]:
        return {one["labels"]["node"]: bool(one["status"]["silencedBy"]) for one in real.alerts()}

    def here() -> dict[str, bool]:
        labels = [one["labels"] for one in real.alerts()]
        return {one["node"]: any(silence.covers(one) for silence in silences) for one in labels}

    awaited(lambda: there() == here(), f"{there()} there, {here()} here")
    assert here() == {"gpu02": True, "gpu03": True, "cpu-1": False}
    for id in ids:
        real.expire(id)
    assert feed.silences() == ()


def test_what_others_wrote_is_data_to_it(real: Real, told: Receiver) -> None:
    labels = {"node": "odd", "job": IDEAS, "empty": "", "bad-name": "x", "long": "é" * 5000, "nul": "a\0b"}
    Alertmanager(real.url).post([posted(**labels), posted(node="beside it")])
    found = {one["labels"]["node"]: one["labels"] for one in real.alerts()}
    assert "beside it" in found
    assert found["odd"]["job"] == IDEAS.replace("\udce9", "?")
    assert found["odd"].keys() == {"alertname", "severity", "node", "job", "long", "nul"}


def test_alertmanagers_own_payload_is_like_ours(real: Real, told: Receiver) -> None:
    """What those get who know Alertmanager has the fields that the real one sends, of the same kind."""
    Alertmanager(real.url).post([posted(node="gpu09")])

    def its() -> list[dict[str, object]]:
        bodies = [json.loads(one.body) for one in told.told]
        return [body for body in bodies if body["commonLabels"].get("node") == "gpu09"]

    awaited(its, "its webhook")
    with Receiver.running() as receiver:
        to = channel(ChannelKind.ALERTMANAGER_WEBHOOK, receiver.url)
        for message in (MESSAGE, RESOLVED):
            open_notifier(to).send(message, KEY)
        for one in receiver.told:
            ours = json.loads(one.body)
            assert shape(ours) == shape(its()[0])


def shape(found: object) -> object:
    """Its fields, and the kinds of their values; labels and annotations may be any."""
    if isinstance(found, dict):
        texts = ("labels", "annotations", "groupLabels", "commonLabels", "commonAnnotations")
        return {key: "texts" if key in texts else shape(value) for key, value in found.items()}
    if isinstance(found, list):
        return [shape(found[0])] if found else []
    return type(found).__name__


def test_nobody_there() -> None:
    with Real.running() as gone:
        pass
    for ask in (lambda: Alertmanager(gone.url).post([posted(node="x")]), Alertmanager(gone.url).silences):
        with pytest.raises(NotifyError) as caught:
            ask()
        assert caught.value.retry
