"""Channels as people write them: what is refused, what is kept, and what of it is shown."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.notifiers.messages import channel

from sentinel.core.errors import UsageError
from sentinel.ports.notifier import (
    PAGERDUTY_URL,
    ChannelKind,
    channel_from,
    channel_json,
    place,
    shown,
)

SECRET = "hunter2hunter2"
HOOK: dict[str, Any] = {"name": "ops", "kind": "webhook", "url": f"https://hooks.example/{SECRET}"}


def test_the_least_that_makes_one() -> None:
    made = channel_from(HOOK)
    assert (made.name, made.kind, made.secret, made.timeout) == ("ops", ChannelKind.WEBHOOK, None, 10.0)


def test_pagerduty_needs_its_key_and_no_address() -> None:
    made = channel_from({"name": "p", "kind": "pagerduty", "secret": SECRET})
    assert made.url == PAGERDUTY_URL
    with pytest.raises(UsageError, match="secret: is missing"):
        channel_from({"name": "p", "kind": "pagerduty"})


@pytest.mark.parametrize("kind", ChannelKind)
def test_what_is_kept_is_read_again(kind: ChannelKind) -> None:
    more: dict[str, Any] = {"ca_file": "/etc/ca.pem", "timeout": 3.0}
    if kind is not ChannelKind.APPRISE:
        more |= {"secret": SECRET, "headers": {"Authorization": f"Bearer {SECRET}"}}
    url = "slack://a/b/c" if kind is ChannelKind.APPRISE else "https://x.example/y"
    made = channel(kind, url, **more)
    assert channel_from(json.loads(json.dumps(channel_json(made)))) == made
    assert channel_from({**channel_json(made), "later": 1}, strict=False) == made


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "two words", "is a name"),
        ("kind", "email", "is one of 'webhook'"),
        ("url", "hooks.example", "https://HOST/PATH"),
        ("url", "ftp://hooks.example/", "https://HOST/PATH"),
        ("url", f"https://me:{SECRET}@hooks.example/", "Authorization"),
        ("url", "https://hooks.example/a b", "https://HOST/PATH"),
        ("url", "https://hooks.example/\r\nX: y", "https://HOST/PATH"),
        ("url", "https://hooks.example/#x", "#fragment"),
        ("url", "https://[hooks", "https://HOST/PATH"),
        ("url", "https://hooks.example:0/", "https://HOST/PATH"),
        ("url", 5, "https://HOST/PATH"),
        ("url", None, "is missing"),
        ("secret", "short", "8 to 1024"),
        ("secret", "line\nbreak-in-it", "8 to 1024"),
        ("headers", ["a"], "an object"),
        ("headers", {"bad name": "x"}, "a name that is none"),
        ("headers", {"Host": "x"}, "is set by Sentinel"),
        ("headers", {"IDEMPOTENCY-KEY": "x"}, "is set by Sentinel"),
        ("headers", {"X": f"{SECRET}\r\nY: z"}, "one line"),
        ("headers", {f"X{n}": "" for n in range(21)}, "at most 20"),
        ("ca_file", "ca.pem", "absolute path"),
        ("timeout", 0, "1 to 60"),
        ("timeout", "2m", "1 to 60"),
        ("urls", "x", "did you mean 'url'"),
    ],
)
def test_mistakes_are_named(field: str, value: object, says: str) -> None:
    with pytest.raises(UsageError, match="the channel: ") as caught:
        channel_from({**HOOK, field: value})
    assert says in caught.value.message
    assert SECRET not in caught.value.message


@pytest.mark.parametrize("url", ["slack", "slack://", "://x", "a b://x", "slack://a\nmailto://b", "x" * 5000])
def test_what_apprise_has_no_address_of(url: str) -> None:
    with pytest.raises(UsageError, match="address of Apprise"):
        channel_from({"name": "a", "kind": "apprise", "url": url})


def test_apprise_has_all_in_its_address() -> None:
    for more in ({"secret": SECRET}, {"headers": {"X": "y"}}):
        with pytest.raises(UsageError, match="in its URL"):
            channel_from({"name": "a", "kind": "apprise", "url": "slack://a/b/c", **more})


def test_what_is_shown_holds_no_secret() -> None:
    made = channel_from({**HOOK, "secret": SECRET, "headers": {"Authorization": SECRET}})
    found = shown(made)
    assert SECRET not in json.dumps(found) and SECRET not in repr(made)
    assert (found["to"], found["signed"], found["headers"]) == (
        "https://hooks.example",
        True,
        ["Authorization"],
    )
    slack = channel_from({"name": "a", "kind": "apprise", "url": f"slack://{SECRET}/b/c"})
    assert SECRET not in json.dumps(shown(slack)) and shown(slack)["to"] == "slack"


@pytest.mark.parametrize(
    ("url", "to"),
    [
        ("https://a.example:8443/x?y", "https://a.example:8443"),
        ("http://[::1]:80/x", "http://[::1]:80"),
        ("mailtos://me:secret@example.com", "mailtos"),
        ("https://me:secret@a.example", "https://a.example"),
        ("nothing", "an address"),
        ("http://[", "an address"),
        ("http://x:99999/", "an address"),
    ],
)
def test_what_of_an_address_may_be_shown(url: str, to: str) -> None:
    assert place(url) == to


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(raw=JSON | st.fixed_dictionaries(dict.fromkeys(("name", "kind", "url", "headers", "timeout"), JSON)))
def test_anything_is_a_channel_or_a_mistake_with_a_name(raw: object) -> None:
    with pytest.raises(UsageError):
        channel_from(raw)
        raise UsageError("it was one")
