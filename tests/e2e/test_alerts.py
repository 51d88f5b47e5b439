"""Alerts from the node to who is told, and back: a whole `sentinel up`, its commands, and a webhook."""

import json
import signal
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.observed import ALERTING, CHANNEL, PATIENCE, Observed, patiently
from tests.e2e.workstation import always, eventually

pytestmark = pytest.mark.slow

NAG = {"name": "nag", "matches": {"team": "nag"}, "repeat_interval": 1}
XID = "4,2,2000,-;NVRM: Xid (PCI:0000:01:00): 79, pid=1234, name=python, GPU has fallen off the bus.\n"


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    folder = tmp_path_factory.mktemp("alerts")
    log = folder / "kernel.log"
    log.write_text("6,1,1,-;all is quiet\n")
    health = f'[health]\ninterval = "500ms"\nkernel_log = "{log}"\nquarantine = false\n'
    with Observed.running(folder, ALERTING + health) as observed:
        observed.add_channel(NAG)
        begin_what_takes_a_while(observed, log)
        yield observed


def begin_what_takes_a_while(observed: Observed, log: Path) -> None:
    """A finding, and a node that falls silent: the tests of them come later."""
    with log.open("a") as kernel:
        kernel.write(XID)
    node = observed.site.add_node("lonely")
    shipped = observed.cli("alert", "rule", "show", "node-silent")
    assert "for: 1m\n" in shipped
    observed.apply(shipped.replace("for: 1m\n", "for: 1s\n") + "scope: {node: [lonely]}\n")
    node.kill()


def test_a_rule_from_a_file_is_told_once_and_so_is_its_end(observed: Observed) -> None:
    observed.warm("warm", hold="1s")
    observed.becomes("warm", "firing")
    (message,) = observed.told("warm")
    node = observed.name
    assert message["title"] == f"[FIRING] GPU 0 of {node} is at 35 °C"
    assert (message["severity"], message["group_labels"]) == ("critical", {"rule": "warm"})
    assert message["url"] == "https://gpu.example.org" and not message["reminder"]
    (alert,) = message["alerts"]
    assert (alert["value"], alert["next_step"]) == (35, "Look at its fans")
    assert {"node": node, "gpu": "0", "team": "vision"}.items() <= alert["labels"].items()

    shown = patiently(lambda: _shown_as_told(observed, alert["fingerprint"]), "it is noted as told")
    assert f"GPU 0 of {node} is at 35 °C" in shown and "Look at its fans" in shown
    (listed,) = [one for one in observed.cli("alert", "list").splitlines() if " warm " in one]
    assert listed.startswith(alert["fingerprint"][:8]) and "critical  firing" in listed

    observed.warm("warm", threshold=90, hold="1s")
    observed.becomes("warm", "firing", "resolved")
    end = observed.told("warm")[-1]
    assert end["title"] == f"[RESOLVED] GPU 0 of {node} is at 35 °C"
    assert end["alerts"][0]["ended_at"] is not None
    assert not observed.client.alerts(rule="warm")
    assert observed.client.alert(alert["fingerprint"])["state"] == "resolved"
    events = islice(observed.client.events(after=0, subject=alert["fingerprint"]), 2)
    kinds = [one["type"] for one in events]
    assert kinds == ["sentinel.alert.fired", "sentinel.alert.resolved"]


def test_whoever_acks_is_not_reminded(observed: Observed) -> None:
    observed.warm("nagging", team="nag")
    eventually(lambda: len(observed.told("nagging")) >= 2, "a reminder", PATIENCE)
    first, *others = observed.told("nagging")
    assert not first["reminder"] and all(one["reminder"] for one in others)
    assert others[0]["title"].startswith("[still FIRING]")
    id = observed.alert("nagging")["fingerprint"]
    observed.cli("alert", "ack", id[:8], "--why", "on it")
    patiently(lambda: observed.client.alert(id)["ack"], "the watch knows")
    observed.settled()
    count = len(observed.told("nagging"))
    always(lambda: len(observed.told("nagging")) == count, 2.5, "no reminders")
    shown = observed.cli("alert", "show", id)
    assert "acked" in shown and "on it" in shown
    observed.cli("alert", "ack", id, "--undo")
    eventually(lambda: len(observed.told("nagging")) > count, "reminders again", PATIENCE)
    observed.cli("alert", "rule", "delete", "nagging")
    eventually(lambda: observed.statuses("nagging")[-1] == "resolved", "its end is told", PATIENCE)


def test_what_is_silenced_is_shown_and_not_told(observed: Observed) -> None:
    words = (
        "alert",
        "silence",
        "add",
        "rule=hus*",
        f"node={observed.name}",
        "--for",
        "1h",
        "--why",
        "new fans",
    )
    silence = observed.asked(*words)
    observed.warm("hushed")
    alert = observed.alert("hushed")
    assert (alert["muted"]["how"], alert["muted"]["by"]) == ("silenced", silence["id"])
    shown = observed.cli("alert", "show", alert["fingerprint"])
    assert "State      firing,silenced" in shown and "Not told" in shown and "new fans" in shown
    always(lambda: not observed.told("hushed"), 1.5, "nobody is told")
    observed.cli("alert", "silence", "end", silence["id"])
    observed.becomes("hushed", "firing")


def test_a_rule_that_is_removed_ends_its_alerts(observed: Observed) -> None:
    observed.warm("removed")
    observed.becomes("removed", "firing")
    observed.cli("alert", "rule", "delete", "removed")
    observed.becomes("removed", "firing", "resolved")
    assert "its rule was removed" in observed.told("removed")[-1]["body"]


def test_a_node_that_falls_silent(observed: Observed) -> None:
    (node,) = observed.site.nodes
    observed.becomes("node-silent", "firing")
    (message,) = observed.told("node-silent")
    assert message["title"].startswith("[FIRING] lonely has not been heard of")
    assert message["severity"] == "critical"
    node.start()
    observed.becomes("node-silent", "firing", "resolved")


def test_a_finding_is_an_alert_without_a_rule(observed: Observed) -> None:
    def here() -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Both nodes read that log."""
        told = [(one, alert) for one in observed.told("finding") for alert in one["alerts"]]
        return [one for one in told if one[1]["labels"]["node"] == observed.name]

    eventually(here, "the finding is told", PATIENCE)
    (message, alert), *_ = here()
    labels = alert["labels"]
    assert (labels["component"], labels["code"], labels["gpu"]) == ("xid", "79", "0")
    assert message["title"].startswith("[FIRING] ") and "79" in message["title"] and alert["next_step"]
    assert {one["rule"] for one in observed.client.alerts(node=observed.name)} >= {"finding"}


def test_whoever_asked_hears_of_their_job(observed: Observed) -> None:
    client, folder = observed.client, str(observed.site.folder)
    good = client.submit(["true"], cwd=folder, name="good", notify=[f"{CHANNEL}:start", f"{CHANNEL}:end"])[
        "id"
    ]
    words = (
        "job",
        "submit",
        "--name",
        "bad",
        "--notify",
        f"{CHANNEL}:fail",
        "--json",
        "--",
        "sh",
        "-c",
        "exit 3",
    )
    bad = json.loads(observed.cli(*words))["id"]
    quiet = client.submit(["true"], cwd=folder, notify=[f"{CHANNEL}:fail"])["id"]
    client.wait(good, bad, quiet, timeout=PATIENCE)
    eventually(lambda: len(observed.told("job")) >= 3, "all is told", PATIENCE)
    told = {(one["group_labels"]["job"], one["status"]): one for one in observed.told("job")}
    assert set(told) == {(good, "firing"), (good, "resolved"), (bad, "firing")}
    (node,) = {one["alerts"][0]["labels"]["node"] for (id, _), one in told.items() if id == good}
    assert f"Job {good} (good) of admin runs on {node}" in told[good, "firing"]["title"]
    assert f"Job {good} (good) of admin has succeeded" in told[good, "resolved"]["title"]
    assert f"Job {bad} (bad) of admin has failed with exit code 3" in told[bad, "firing"]["title"]
    assert len(observed.told("job")) == 3


def test_a_watch_that_is_killed_tells_it_once(observed: Observed) -> None:
    observed.warm("killed", hold="3s")
    observed.alert("killed", "pending")
    observed.kill_watch()
    observed.becomes("killed", "firing")
    observed.settled()
    observed.kill_watch()
    observed.settled()
    observed.becomes("killed", "firing")
    observed.warm("killed", hold="3s", threshold=90)
    observed.becomes("killed", "firing", "resolved")


def test_killed_while_it_tells_it_tells_it_again_under_the_same_key(observed: Observed) -> None:
    observed.receiver.held = held = threading.Event()
    try:
        observed.warm("cut-off")
        eventually(lambda: observed.told("cut-off"), "it is being told", PATIENCE)
        observed.kill_watch()
        eventually(lambda: len(observed.told("cut-off")) == 2, "it is told again", PATIENCE)
    finally:
        observed.receiver.held = None
        held.set()
    observed.settled()
    observed.kill_watch()
    observed.settled()
    first, again = observed.told("cut-off")
    assert first == again


def test_a_channel_is_tried_out(observed: Observed) -> None:
    before = len(observed.messages())
    assert f"{CHANNEL} took the test message" in observed.cli("alert", "channel", "test", CHANNEL)
    assert len(observed.messages()) == before + 1
    observed.receiver.status = 403
    try:
        assert "403" in observed.cli("alert", "channel", "test", CHANNEL, code=1)
    finally:
        observed.receiver.status = 200
    assert not [one for one in observed.cli("alert", "channel", "list").splitlines() if "/hook" in one]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_controller_that_is_started_again_tells_nothing_twice(
    observed: Observed, how: signal.Signals
) -> None:
    name = f"over-{how.name.lower()}"
    observed.warm(name)
    observed.becomes(name, "firing")
    observed.settled()
    before = observed.messages()
    observed.restart(how)
    observed.settled()
    always(lambda: observed.messages() == before, 1.5, "nothing is told again")
    assert observed.alert(name)["told"][0]["state"] == "sent"
    observed.cli("alert", "rule", "delete", name)
    observed.becomes(name, "firing", "resolved")


def _shown_as_told(observed: Observed, id: str) -> str:
    shown = observed.cli("alert", "show", id)
    return shown if f"{CHANNEL}, " in shown and "not yet" not in shown else ""
