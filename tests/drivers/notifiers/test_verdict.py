"""What an answer means, and what of it may be repeated."""

import pytest

from sentinel.drivers.notifiers.exchange import Answer
from sentinel.drivers.notifiers.verdict import check, secrets_of, wait
from sentinel.ports.notifier import NotifyError

NOW = 1_780_000_000.0  # Thu, 28 May 2026 20:26:40 GMT


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("30", 30.0),
        (" 0 ", 0.0),
        ("99999999999999999999", 86400.0),
        ("Thu, 28 May 2026 20:27:10 GMT", 30.0),
        ("Thu, 28 May 2026 22:27:10 +0200", 30.0),
        ("Thu, 28 May 2026 20:00:00 GMT", 0.0),
        ("Thu, 28 May 2027 20:00:00 GMT", 86400.0),
        ("soon", None),
        ("-5", None),
        ("\uff11\uff12", None),
        ("", None),
    ],
)
def test_when_to_come_again(header: str | None, seconds: float | None) -> None:
    assert wait(header, NOW) == seconds


def said(answer: Answer, *secrets: str) -> str:
    with pytest.raises(NotifyError) as caught:
        check(answer, "https://hooks.example", secrets, NOW)
    return caught.value.message


def test_what_it_says_is_repeated_in_one_short_line() -> None:
    body = b"no\nsuch\x1b[31m room " + "é".encode() * 3000
    text = said(Answer(status=404, body=body))
    assert text.startswith("https://hooks.example answers HTTP 404: no such [31m room éé")
    assert text.isprintable() and len(text) < 350


def test_a_page_for_browsers_is_not() -> None:
    assert "script" not in said(Answer(status=500, body=b"<!doctype html><script>"))


def test_nothing_of_an_address_is_repeated() -> None:
    url = "https://hooks.example/services/T0000000/B11111111?key=abc%20defgh"
    body = f"{url} /services/T0000000/B11111111 B11111111 abc defgh Bearer zyxwvu zyxwvu".encode()
    text = said(Answer(status=400, body=body), *secrets_of(url, "Bearer zyxwvu"))
    for secret in ("T0000000", "B11111111", "abc", "defgh", "zyxwvu"):
        assert secret not in text


def test_where_a_redirection_leads_is_named_by_its_host_alone() -> None:
    text = said(Answer(status=308, body=b"", location="https://other.example/services/B11111111"))
    assert "https://other.example," in text and "B11111111" not in text
    assert "redirection" in said(Answer(status=302, body=b"", location="/login"))


def test_taken_is_taken() -> None:
    for status in (200, 202, 204):
        check(Answer(status=status, body=b"anything"), "x", (), NOW)
