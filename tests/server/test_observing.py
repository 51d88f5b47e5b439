import re
from pathlib import Path

import pytest

from sentinel.agent.inference_config import inference_config
from sentinel.core import config_file
from sentinel.core.errors import ConfigError
from sentinel.server import config
from sentinel.server.observing import DAY, KEYS, Endpoint, Observing, observing

GUIDE = Path(__file__).parents[2] / "docs/guides/configuration.md"


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


def test_the_guides_sample_has_every_key_and_shows_the_defaults(tmp_path: Path) -> None:
    samples = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    (sample,) = [one for one in samples if one.startswith("[server]")]
    found, usual = said(tmp_path, sample), Observing()
    assert (found.history.raw, found.history.minute, found.history.hour) == (
        usual.history.raw,
        usual.history.minute,
        usual.history.hour,
    )
    assert (found.alerting.enabled, found.alerting.every) == (True, usual.alerting.every)
    assert (found.slurm.enabled, found.slurm.every) == (False, usual.slurm.every)
    assert found.scrape[0].every == 10
    words = set(re.findall(r"\w+", sample))
    assert all(key in words for keys in KEYS.values() for key in keys)
    file = tmp_path / "config.toml"
    assert config.load(config=str(file), data_dir=None, default_listen="127.0.0.1:1").lease_seconds == 60


def test_the_guides_inference_servers_can_be_used() -> None:
    samples = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    (sample,) = [one for one in samples if one.startswith("[inference]")]
    found = inference_config(config_file.parse(sample, "c"))
    assert (found.scrape, found.every, found.servers[0].name) == (True, 10, "chat")
