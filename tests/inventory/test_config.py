"""`[inventory]` and `[telemetry]`: defaults, and mistakes that are named with their line."""

import pytest

from sentinel.core.config_file import parse
from sentinel.core.errors import ConfigError
from sentinel.inventory.config import InventoryConfig, inventory_config
from sentinel.telemetry.config import TelemetryConfig, telemetry_config


def test_silence_is_the_defaults() -> None:
    top = parse("", "config.toml")
    assert inventory_config(top) == InventoryConfig()
    assert telemetry_config(top) == TelemetryConfig()


def test_the_arbiter_s_sections_are_none_of_its_business() -> None:
    assert inventory_config(parse("[arbiter]\ngpus = 'smi'\n", "c")) == InventoryConfig()


def test_what_can_be_said() -> None:
    top = parse(
        """
[inventory]
state_dir = "/var/lib/ds01"
docker = "unix:///run/user/1000/docker.sock"
podman = false
containerd = "/run/k3s/containerd/containerd.sock"
mark_namespace = "ds01.detected"
idle_after = "30m"
people = [500, 60000]
homes = ["/home", "/data/users/"]
[telemetry]
interval = "500ms"
listen = "0.0.0.0:9400"
token_file = "/etc/sentinel/metrics.token"
""",
        "config.toml",
    )
    found = inventory_config(top)
    assert (found.state_dir, found.docker) == ("/var/lib/ds01", "unix:///run/user/1000/docker.sock")
    assert (found.podman, found.containerd) == (None, ("/run/k3s/containerd/containerd.sock",))
    assert (found.idle_after, found.people, found.homes) == (1800.0, (500, 60000), ("/home", "/data/users"))
    assert telemetry_config(top).interval == 0.5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[inventory]\ndocker = 'tcp://10.0.0.1:2375'", r"c:2: inventory\.docker: .*no socket"),
        ("[inventory]\nidle_afer = 3", r"c:2: inventory\.idle_afer: unknown key; did you mean 'idle_after'"),
        ("[inventory]\npeople = [5]", r"inventory\.people"),
        ("[inventory]\npeople = [9, 5]", r"inventory\.people"),
        ("[inventory]\nmark = 1", r"inventory\.mark"),
        ("[inventory]\nlog_size = 10", r"64KiB"),
        ("[inventory]\nscan_timeout = '1h'", r"scan_timeout"),
        ("[telemetry]\ninterval = '10ms'", r"telemetry\.interval"),
        ("[telemetry]\ntls_cert = '/a'", r"given together"),
        ("[inventry]\nx = 1", r"inventry: unknown key; did you mean 'inventory'"),
    ],
)
def test_mistakes_are_named(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        top = parse(text, "c")
        inventory_config(top)
        telemetry_config(top)
