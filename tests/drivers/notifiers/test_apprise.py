"""Apprise: what arrives at services that have a markup of their own, what is refused, and that its process
knows nothing of ours."""

import json
import smtplib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import requests
from tests.drivers.notifiers.messages import HOSTILE, KEY, MESSAGE, channel
from tests.drivers.notifiers.receiver import Receiver

from sentinel.core.errors import UsageError
from sentinel.drivers.notifiers import apprise_process, apprise_service
from sentinel.drivers.notifiers.apprise_process import Refusals
from sentinel.drivers.notifiers.apprise_service import AppriseService
from sentinel.drivers.notifiers.apprise_text import body_of, title_of
from sentinel.drivers.notifiers.opening import open_notifier
from sentinel.ports.notifier import Channel, ChannelKind, NotifyError

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # Apprise imports it

TOKENS = "T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
CHATS = {
    "slack": f"slack://{TOKENS}",
    "slack markdown": f"slack://{TOKENS}?format=markdown",
    "slack blocks": f"slack://{TOKENS}?blocks=yes",
    "discord": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "discord markdown": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js?format=markdown",
    "mattermost": "mmost://chat.example/3ccdd113474722377935511fc85d3dd4",
    "rocket.chat": "rocket://wh:tok/en@chat.example/%23general",
    "google chat": "gchat://abc/def/ghi",
    "teams": "workflow://prod-00.westus.logic.azure.com:443/abcworkflow/signature",
    "telegram": "tgram://123456789:abcdefg_hijklmnop/12315544",
    "ntfy": "ntfy://topic",
    "zulip": "zulip://bot-name@org/a1234567890123456789012345678901/Test",
    "webex": f"webex://{'a' * 80}",
}


def order(url: str) -> dict[str, str]:
    scheme = url.partition(":")[0]
    title, body = title_of(HOSTILE, scheme), body_of(HOSTILE, scheme)
    return {"url": url, "title": title, "body": body, "type": "failure"}


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[requests.Response, list[Any]]]:
    """What every service answers (to be changed), and what was asked of them."""
    response, asked = requests.Response(), list[Any]()
    response.status_code = 200
    response._content = b"ok"

    def send(session: object, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        asked.append((request, how))
        response.url = request.url or ""
        return response

    monkeypatch.setattr(requests.Session, "send", send)
    monkeypatch.setattr(smtplib.SMTP, "getreply", smtplib.SMTP.getreply)
    yield response, asked


@pytest.mark.parametrize("url", CHATS.values(), ids=CHATS.keys())
def test_nobody_is_called_and_no_address_is_hidden(
    url: str, answered: tuple[requests.Response, list[Any]]
) -> None:
    known, _ = apprise_process.send(order(url), Refusals())
    assert known
    ((request, how),) = answered[1]
    text = request.body if isinstance(request.body, str) else request.body.decode()
    told = json.dumps(json.loads(text), ensure_ascii=False) if text.startswith("{") else text
    for call in ("@everyone", "@channel", "<!channel", "<@U012", "<users/all", "](https://evil", "<script"):
        assert call not in told and call.replace("<", "&lt;") not in told, told
    assert "github" not in told, "no picture from elsewhere"
    assert how["allow_redirects"] is False


def test_a_title_is_one_line() -> None:
    assert "\n" not in title_of(HOSTILE, "slack") and "\r" not in title_of(HOSTILE, "mailto")


def test_what_programs_or_mailers_read_is_as_it_was_written() -> None:
    assert "@everyone <@U012> <users/all> [here](https://evil.example/)" in title_of(HOSTILE, "mailtos")
    assert body_of(MESSAGE, "json").startswith(MESSAGE.body)


def test_where_to_look_further_stays_an_address() -> None:
    url = "https://sentinel.example/alerts?node=a@b"
    assert body_of(replace(MESSAGE, url=url), "slack").endswith(f"\n\n{url}")
    assert body_of(replace(MESSAGE, url=""), "slack").endswith("Look at its fans.")


@pytest.mark.parametrize(
    ("codes", "retry"),
    [
        ([], True),
        (["none"], True),
        (["http 404"], False),
        (["http 302"], False),
        (["http 429"], True),
        (["http 404", "http 503"], True),
        (["http 404", "http 401"], False),
        (["smtp 550"], False),
        (["smtp 451"], True),
        (["smtp 535", "none"], True),
    ],
)
def test_one_that_may_take_it_later_is_tried_again(
    codes: list[str], retry: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(self: AppriseService, order: str) -> Mapping[str, Any]:
        return {"sent": False, "known": True, "codes": codes, "retry_after": "7"}

    monkeypatch.setattr(AppriseService, "_answer", answer)
    with pytest.raises(NotifyError) as caught:
        open_notifier(to("slack://a/b/c")).send(MESSAGE, KEY)
    assert (caught.value.retry, caught.value.retry_after) == (retry, 7 if retry else None)
    for code in codes:
        assert code == "none" or code.upper() in caught.value.message


def to(url: str) -> Channel:
    return channel(ChannelKind.APPRISE, url)


def test_an_address_that_apprise_does_not_know_is_final_and_not_repeated() -> None:
    with pytest.raises(NotifyError) as caught:
        open_notifier(to("no-such-service://user:hunter2@host/")).send(MESSAGE, KEY)
    assert not caught.value.retry
    assert "no-such-service" in caught.value.message and "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    "url",
    [
        "slack://a/b/c?template=/var/lib/sentinel/pki/ca.key",
        "slack://a/b/c?format=text&TEMPLATE=file:///etc/passwd",
        "slack://a/b/c?%74emplate=/etc/passwd",
        "fcm://project/key?keyfile=/etc/shadow",
        "mailto://a:b@example.com?pgp=yes",
        "mailtos://a:b@example.com?verify=no",
        "mailtos://a:b@example.com?verify=False",
    ],
)
def test_files_of_the_controller_stay_there_and_certificates_are_checked(url: str) -> None:
    with pytest.raises(UsageError, match="channel a-apprise: url: "):
        open_notifier(to(url))


def test_the_template_that_is_refused_would_send_the_file(
    answered: tuple[requests.Response, list[Any]], tmp_path: Any
) -> None:
    """Were this no longer so, the list of refused options could be shorter."""
    file = tmp_path / "card.json"
    file.write_text('{"content": "what-is-in-the-file"}')
    apprise_process.send(order(f"discord://4174216298/JHMHI8qBe7bk?template={file}"), Refusals())
    assert "what-is-in-the-file" in str(answered[1][0][0].body)


def test_without_apprise_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise_service.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'sentinel-gpu\[notify\]'"):
        open_notifier(to("slack://a/b/c"))


def test_its_process_gets_no_secret_but_by_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTINEL_TOKEN", "snt_secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    started: list[tuple[list[str], dict[str, Any]]] = []
    real = subprocess.Popen

    def popen(argv: list[str], **how: Any) -> Any:
        started.append((argv, how))
        return real(argv, **how)

    monkeypatch.setattr(apprise_service.subprocess, "Popen", popen)
    with Receiver.running() as receiver:
        open_notifier(to(f"json://user:hunter2@127.0.0.1:{receiver.port}/")).send(MESSAGE, KEY)
        assert receiver.told[0].headers["authorization"].startswith("Basic ")
    ((argv, how),) = started
    assert argv == [sys.executable, "-I", "-m", "sentinel.drivers.notifiers.apprise_process"]
    assert how["env"].keys() == {"PATH", "LANG", "HOME", "NETRC", "PYTHONDONTWRITEBYTECODE"}


def test_whatever_goes_wrong_in_it_nothing_is_printed() -> None:
    wrong = {"url": "json://user:hunter2@host", "title": "t", "body": "b", "type": "no such type"}
    done = subprocess.run(
        [sys.executable, "-I", "-m", apprise_process.__name__],
        input=json.dumps(wrong),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert json.loads(done.stdout)["sent"] is False
    assert done.stderr == "" and "hunter2" not in done.stdout
