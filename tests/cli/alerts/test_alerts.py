"""`sentinel alert list`, `show`, `ack`, `deliveries`."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.cli.alerts.alert_rows import EVIL, LOOKED, a_delivery, an_alert, page
from tests.cli.running import Cli
from tests.client.fake_controller import problem

from sentinel.cli.alerts.alert_words import alert_lines, alert_text, watch_warnings
from sentinel.cli.alerts.channel_words import delivery_lines

NOW = 1_769_860_920.0  # 2026-01-31 12:02:00 UTC


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_the_table() -> None:
    muted = {"how": "silenced", "by": "x", "why": "ops: fans", "until": None}
    alerts = [
        an_alert(severity="critical"),
        an_alert(fingerprint="fedcba9876543210", state="no-data", muted=muted, rule="gpu-broken"),
        an_alert(state="firing", ack={"by": "ops", "at": "2026-01-31T11:00:00Z", "why": ""}),
    ]
    lines = alert_lines(alerts, NOW, 80, colours=False)
    assert lines[0].split() == ["ID", "SEVERITY", "STATE", "SINCE", "RULE", "SUMMARY"]
    assert lines[1].split()[:5] == ["01234567", "critical", "firing", "2", "h"]
    assert "no-data,silenced" in lines[2]
    assert lines[3].split()[2] == "acked"
    assert all(len(line) <= 80 for line in lines)
    evil = alert_lines([an_alert(summary=EVIL * 9, rule=EVIL)], NOW, 80, colours=False)
    assert all(len(line) <= 80 and line.isprintable() for line in evil)


def test_alerts_are_listed(cli: Cli) -> None:
    cli.answers("GET alerts", page(an_alert(), watch=LOOKED))
    done = cli("alert", "list")
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines()[-1] == "1 firing"
    (found,) = json.loads(cli("alert", "list", "--json").out)
    assert {name: found[name] for name in ("rule", "state", "labels")} == {
        "rule": "gpu-hot",
        "state": "firing",
        "labels": {"gpu": "0", "node": "gpu01"},
    }
    cli("alert", "list", "--state", "no-data", "--severity", "info", "--node", "n1", "--rule", "r")
    query = cli.fake.requests[-1].query
    assert (query["state"], query["severity"], query["node"], query["rule"]) == (
        ["no-data"],
        ["info"],
        ["n1"],
        ["r"],
    )
    cli("alert", "list", "--all")
    assert cli.fake.requests[-1].query["state"] == ["pending", "firing", "no-data", "resolved"]


@pytest.mark.parametrize(
    ("watch", "says"),
    [
        (None, "NOBODY LOOKS FOR ALERTS: the controller's watch has never said"),
        (LOOKED | {"age": 400.0}, "NOBODY LOOKS FOR ALERTS: the last look was 6 min ago"),
        (LOOKED | {"history": "it is full"}, "rules see nothing: it is full"),
    ],
)
def test_no_alerts_and_nobody_who_looks_differ(cli: Cli, watch: Any, says: str) -> None:
    cli.answers("GET alerts", page(watch=watch))
    done = cli("alert", "list")
    assert done.status == 0
    assert says in done.err
    assert done.out == "no alerts are known, which means little: see above\n"
    assert cli("alert", "list", "--json").out == "[]\n"


def test_no_alerts(cli: Cli) -> None:
    cli.answers("GET alerts", page(watch=LOOKED))
    done = cli("alert", "list")
    assert (done.out, done.err) == ("no alerts; those that are over: --all\n", "")
    assert cli("alert", "list", "--node", "x").out == "no such alerts\n"
    assert watch_warnings(LOOKED | {"alertmanager": "refused"}) == [
        "the Alertmanager does not answer: refused"
    ]


def test_one_in_full(cli: Cli) -> None:
    told = [
        {"channel": "mail", "state": "sent", "at": "2026-01-31T10:02:01.000Z", "error": ""},
        {"channel": "chat", "state": "given-up", "at": "2026-01-31T10:02:01.000Z", "error": "403"},
        {"channel": "ntfy", "state": "waiting", "at": None, "error": "timed out"},
        {"channel": "old", "state": None, "at": None, "error": ""},
    ]
    muted = {"how": "silenced", "by": "4k2m9x0dvh", "why": "ops: fans", "until": "2026-01-31T18:00:00Z"}
    text = "\n".join(alert_text(an_alert(told=told, muted=muted), NOW, None))
    for line in (
        "State      firing,silenced: the condition has held for long enough",
        "Next step  Look at the fans",
        "Value      gpu_temperature_celsius was 91",
        "Fired      2026-01-31 10:02:00 (2 h ago)",
        "Not told   silenced by 4k2m9x0dvh (ops: fans), until 2026-01-31 18:00:00",
        "Told       mail, 2026-01-31 10:02:01 (1 h ago)",
        "Told       chat could not be told: 403",
        "Told       ntfy, not yet: timed out",
        "Told       old, more than a day ago",
    ):
        assert line in text
    assert "Ended" not in text
    assert "nobody yet" in "\n".join(alert_text(an_alert(value=None), NOW, None))
    narrow = alert_text(an_alert(summary=EVIL * 40, told=told), NOW, 80)
    assert all(len(line) <= 80 and line.isprintable() for line in narrow)
    cli.answers("GET alerts/0123", an_alert())
    cli.answers("GET alerts", page(watch=None))
    done = cli("alert", "show", "0123")
    assert (done.status, "GPU 0 of gpu01" in done.out, "NOBODY LOOKS" in done.err) == (0, True, True)
    assert json.loads(cli("alert", "show", "0123", "--json").out) == an_alert()


def test_acknowledging(cli: Cli) -> None:
    cli.answers("POST alerts/0123/ack", an_alert())
    cli.answers("DELETE alerts/0123/ack", an_alert())
    done = cli("alert", "ack", "0123", "--why", "fans come")
    assert done.out == "01234567 GPU 0 of gpu01 is at 91 °C: acked: no reminders while it is as it is\n"
    assert cli.fake.requests[-1].json == {"why": "fans come"}
    assert "there are reminders again" in cli("alert", "ack", "0123", "--undo").out
    assert cli.fake.requests[-1].method == "DELETE"
    assert json.loads(cli("alert", "ack", "0123", "--json").out) == [an_alert()]
    cli.answers(
        "POST alerts/0123/ack", problem(409, "alert 0123 is resolved; only what stands is acknowledged")
    )
    done = cli("alert", "ack", "0123")
    assert (done.status, "only what stands" in done.err) == (1, True)


@pytest.mark.parametrize("id", ["../users", "xyz", "123", "g" * 16])
def test_what_is_no_id(cli: Cli, id: str) -> None:
    for words in (("show", id), ("ack", id)):
        done = cli("alert", *words)
        assert (done.status, "is no alert's id" in done.err) == (2, True)
    assert cli.fake.requests == []


def test_deliveries(cli: Cli) -> None:
    cli.answers("GET deliveries", page(a_delivery(), a_delivery(state="given-up", error="401 Unauthorized")))
    done = cli("alert", "deliveries", "--state", "given-up", "--channel", "chat")
    assert done.status == 0
    assert "[FIRING] GPU 0 of gpu01 is hot" in done.out
    assert cli.fake.requests[-1].query["state"] == ["given-up"]
    assert len(json.loads(cli("alert", "deliveries", "--json").out)) == 2
    cli.answers("GET deliveries", page())
    assert cli("alert", "deliveries").out == "nothing was sent in the last day\n"
    lines = delivery_lines([a_delivery(title=EVIL * 20, error=EVIL)], NOW, 80, colours=False)
    assert all(len(line) <= 80 and line.isprintable() for line in lines)
    assert delivery_lines([a_delivery()], NOW, 80, colours=False)[1].startswith("01-31 10:00  chat")
    assert cli("alert", "deliveries", "--channel", "a/b").status == 2
