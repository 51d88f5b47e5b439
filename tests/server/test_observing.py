from pathlib import Path

import pytest

from sentinel.core.errors import ConfigError
from sentinel.server.observing import DAY, Endpoint, Observing, observing


def said(tmp_path: Path, text: str) -> Observing:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return observing(str(path))


def test_without_a_word_the_history_is_embedded_and_alerts_are_on(tmp_path: Path) -> None:
    found = said(tmp_path, "")
    assert found == Observing()
    assert (found.history.prometheus, found.history.raw, found.alerting.enabled) == (None, 2 * DAY, True)
    assert not found.slurm.enabled
    assert found.scrape == ()


def test_all_that_can_be_said(tmp_path: Path) -> None:
    found = said(
        tmp_path,
        """
        [history]
        backend = "prometheus"
        url = "https://prometheus.example.org:9090/"
        token_file = "/etc/sentinel/prometheus.token"
        [alerting]
        every = "2s"
        alertmanager = "http://127.0.0.1:9093"
        alertmanager_token_file = "/etc/sentinel/am.token"
        [slurm]
        enabled = true
        restd = "unix:///run/slurmrestd.socket"
        [[scrape]]
        name = "pod-1"
        url = "https://pod.example.org:9400/metrics"
        ca_file = "/etc/ssl/pod.pem"
        every = 30
        """,
    )
    assert found.history.prometheus == Endpoint(
        url="https://prometheus.example.org:9090", token_file=Path("/etc/sentinel/prometheus.token")
    )
    assert found.alerting.every == 2
    assert found.alerting.alertmanager == Endpoint(
        url="http://127.0.0.1:9093", token_file=Path("/etc/sentinel/am.token")
    )
    assert found.slurm.restd == Endpoint(url="unix:///run/slurmrestd.socket")
    (pod,) = found.scrape
    assert (pod.name, pod.endpoint.ca_file, pod.every) == ("pod-1", Path("/etc/ssl/pod.pem"), 30)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[history]\nbackend = "influx"', "embedded, prometheus"),
        ('[history]\nbackend = "prometheus"', "history.url"),
        ('[history]\nraw = "10m"', "at least 1h"),
        ('[history]\nraw = "60d"', "no longer than `minute`"),
        ('[alerting]\nalertmanager = "https://me:pw@alertmanager"', "password"),
        ('[alerting]\nalertmanager = "alertmanager:9093"', "no address"),
        ('[[scrape]]\nname = "a"\nurl = "http://a/metrics?x=1"', "no address"),
        ('[[scrape]]\nname = "a"\nurl = "http://a"\n[[scrape]]\nname = "a"\nurl = "http://b"', "another one"),
        ("[slurm]\nenable = true", "did you mean 'enabled'"),
        ("[alerting]\nevery = 0", "at least 0.05"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        said(tmp_path, text)
    assert says in refused.value.message
