"""The guide to the config, the agent's part: taken as it stands, and it leaves no key out."""

import re
from pathlib import Path

from sentinel.core import config_file
from sentinel.health import config as health
from sentinel.inventory import config as inventory
from sentinel.telemetry import config as telemetry

GUIDE = (Path(__file__).parents[2] / "docs/guides/configuration.md").read_text()
SAMPLES = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
(SAMPLE,) = [one for one in SAMPLES if one.startswith("[inventory]")]


def test_the_sample_is_a_good_config_and_shows_the_defaults() -> None:
    top = config_file.parse(SAMPLE, "configuration.md")
    assert inventory.inventory_config(top) == inventory.InventoryConfig()
    found = telemetry.telemetry_config(top)
    assert (found.interval, found.listen, found.process_series) == (1.0, "127.0.0.1:9400", 512)
    assert found.tls_key is not None and found.token_file is not None


def test_every_key_is_in_it() -> None:
    shown = set(re.findall(r"^(\w+) = ", SAMPLE, re.MULTILINE))
    assert shown == inventory.KEYS | telemetry.KEYS | health.KEYS
    assert health.health_config(config_file.parse(SAMPLE, "c")) == health.HealthConfig()
