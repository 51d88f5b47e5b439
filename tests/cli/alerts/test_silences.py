"""`sentinel alert silence …`."""

import json
from typing import Any

import pytest
from tests.cli.alerts.alert_rows import EVIL, a_silence, page
from tests.cli.running import Cli
from tests.client.fake_controller import Reply, problem

from sentinel.cli.alerts.matching import parse_matches, shown_matches
from sentinel.cli.alerts.silence_words import silence_lines
from sentinel.cli.alerts.weekly_hours import parse_weekly, shown_weekly
from sentinel.core.errors import UsageError
from sentinel.core.timestamp import epoch

NOW = 1_769_860_920.0


def test_the_table() -> None:
    weekly = {"days": ["sat", "sun"], "begin": "00:00", "end": "24:00", "zone": "Europe/Berlin"}
    lines = silence_lines([a_silence(), a_silence(weekly=weekly, state="waiting")], NOW, 100, colours=False)
    assert lines[1].split()[:2] == ["4k2m9x0dvh", "active"]
    assert "node=gpu01 node=gpu02 rule=gpu-hot" in lines[1]
    evil = a_silence(matches={"node": [EVIL] * 9}, why=EVIL * 9, by=EVIL)
    assert all(
        len(line) <= 80 and line.isprintable() for line in silence_lines([evil], NOW, 80, colours=False)
    )


def test_listing(cli: Cli) -> None:
    cli.answers("GET silences", page(a_silence(), a_silence(id="over", state="ended")))
    assert "over" not in cli("alert", "silence", "list").out
    assert "over" in cli("alert", "silence", "list", "--all").out
    assert [one["id"] for one in json.loads(cli("alert", "silence", "list", "--json").out)] == ["4k2m9x0dvh"]
    cli.answers("GET silences", page(a_silence(state="ended")))
    assert cli("alert", "silence", "list").out.startswith("no silences; those that ended: --all")
    cli.answers("GET silences", page())
    assert "sentinel alert silence add node=NAME" in cli("alert", "silence", "list", "--all").out


def test_adding(cli: Cli) -> None:
    cli.answers("POST silences", Reply(status=201, body=json.dumps(a_silence()).encode()))
    hours = "sat,sun 00:00-24:00 Europe/Berlin"
    done = cli(
        "alert", "silence", "add", "node=gpu01", "node=gpu02", "rule=gpu-*",
        "--for", "2h", "--why", "new fans", "--weekly", hours,
    )  # fmt: skip
    assert (done.status, done.out[:45]) == (0, "4k2m9x0dvh: nobody is told of node=gpu01 node")
    sent = cli.fake.requests[-1].json
    assert sent["matches"] == {"node": ["gpu01", "gpu02"], "rule": ["gpu-*"]}
    assert sent["weekly"] == {
        "days": ["sat", "sun"],
        "begin": "00:00",
        "end": "24:00",
        "zone": "Europe/Berlin",
    }
    assert (sent["why"], "start" in sent) == ("new fans", False)
    cli("alert", "silence", "add", "a=b", "--start", "2099-01-01T00:00:00Z", "--for", "2h", "--why", "x")
    sent = cli.fake.requests[-1].json
    assert (sent["start"], sent["end"]) == ("2099-01-01T00:00:00.000Z", "2099-01-01T02:00:00.000Z")
    done = cli("alert", "silence", "add", "a=b", "--end", "in 2h", "--why", "x", "--json")
    assert json.loads(done.out) == a_silence()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["node"], "no LABEL=VALUE"),
        (["1=2"], "name of a label"),
        (["a=b", "--for", "2h"], "say why"),
        (["a=b", "--for", "2h", "--why", " "], "say why"),
        (["a=b", "--why", "x"], "until when"),
        (["a=b", "--why", "x", "--for", "1h", "--end", "in 2h"], "until when"),
        (["a=b", "--why", "x", "--for", "0s"], "over before it begins"),
        (["a=b", "--why", "x", "--end", "2020-01-01 10:00"], "over before it begins"),
        (["a=b", "--why", "x", "--for", "1h", "--weekly", "sat 10:00"], "a time zone"),
        (["a=b", "--why", "x", "--for", "1h", "--weekly", "saturday 10:00-11:00 UTC"], "none of mon"),
    ],
)
def test_what_cannot_be(cli: Cli, words: list[str], says: str) -> None:
    done = cli("alert", "silence", "add", *words)
    assert (done.status, says in done.err) == (2, True), done.err
    assert cli.fake.requests == []


def test_ending(cli: Cli) -> None:
    cli.answers("DELETE silences/4k2m9x0dvh", Reply(status=204))
    assert cli("alert", "silence", "end", "4k2m9x0dvh").out == "4k2m9x0dvh has ended\n"
    assert json.loads(cli("alert", "silence", "end", "4k2m9x0dvh", "--json").out) == {"ended": ["4k2m9x0dvh"]}
    cli.answers("DELETE silences/zzzz", problem(404, "there is no silence 'zzzz'"))
    assert cli("alert", "silence", "end", "zzzz").status == 1
    assert cli("alert", "silence", "end", "../users").status == 2


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("sat,sun 00:00-24:00 UTC", ["sat", "sun"]),
        ("mon-fri 22:00-06:00 Europe/Berlin", ["mon", "tue", "wed", "thu", "fri"]),
        ("Sat-Mon,sun 01:00-02:00 UTC", ["sat", "sun", "mon"]),
        ("wed-wed 01:00-02:00 UTC", ["wed"]),
    ],
)
def test_weekly_hours(text: str, days: list[str]) -> None:
    found = parse_weekly(text)
    assert found["days"] == days
    assert parse_weekly(shown_weekly(found)) == found


def test_matches_are_shown_as_they_are_typed() -> None:
    words = ["node=a", "node=b", "job=x=y", "user="]
    found: Any = parse_matches(words)
    assert found == {"node": ["a", "b"], "job": ["x=y"], "user": [""]}
    assert shown_matches(found).split() == words
    assert shown_matches({}) == "everything"
    with pytest.raises(UsageError):
        parse_matches(["=x"])
    assert epoch("2026-01-31T12:02:00Z") == NOW
