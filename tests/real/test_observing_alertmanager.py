"""`sentinel up` that feeds a real Alertmanager, and keeps quiet about what is silenced there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.components.alertmanager import Alertmanager
from tests.e2e.observed import ALERTING, PATIENCE, Observed, patiently
from tests.e2e.workstation import always, eventually

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture
def alertmanager() -> Iterator[Alertmanager]:
    with Alertmanager.running() as running:
        yield running


@pytest.fixture
def observed(alertmanager: Alertmanager, tmp_path: Path) -> Iterator[Observed]:
    config = f'{ALERTING}alertmanager = "{alertmanager.url}"\n'
    with Observed.running(tmp_path, config) as observed:
        observed.add_channel()
        yield observed


def test_it_knows_our_alerts_and_we_its_silences(observed: Observed, alertmanager: Alertmanager) -> None:
    def there(rule: str) -> list[dict[str, Any]]:
        return [one for one in alertmanager.alerts() if one["labels"]["alertname"] == rule]

    observed.warm("warm")
    observed.becomes("warm", "firing")
    eventually(lambda: there("warm"), "it is there, too", PATIENCE)
    (posted,) = there("warm")
    assert {"node": observed.name, "gpu": "0", "severity": "critical"}.items() <= posted["labels"].items()
    assert posted["annotations"]["summary"] == f"GPU 0 of {observed.name} is at 35 °C"
    watch = observed.client.alert_watch()
    assert watch is not None and watch["alertmanager"] == "ok"

    silence = alertmanager.silence({"alertname": "warm", "node": observed.name}, seconds=3600)
    other = alertmanager.silence({"alertname": "hus.*"}, seconds=3600, regex=True)
    id = observed.alert("warm")["fingerprint"]
    patiently(lambda: observed.client.alert(id)["muted"], "it is known here")
    assert observed.client.alert(id)["muted"]["by"] == f"alertmanager:{silence}"
    shown = observed.cli("alert", "show", id)
    assert f"silenced by alertmanager:{silence}" in shown and "new fans" in shown

    observed.warm("hushed")
    hushed = observed.alert("hushed")
    patiently(lambda: observed.client.alert(hushed["fingerprint"])["muted"], "it is muted, too")
    observed.warm("warm", threshold=90)
    observed.alert("warm", "resolved")
    observed.kill_watch()
    observed.settled()
    always(
        lambda: observed.statuses("warm") == ["firing"] and not observed.told("hushed"), 1.0, "all is quiet"
    )
    eventually(lambda: not there("warm"), "it is over there, too", PATIENCE)

    for one in (silence, other):
        alertmanager.expire(one)
    observed.kill_watch()  # which asks at once
    observed.becomes("warm", "firing", "resolved")
    observed.becomes("hushed", "firing")
