"""The guide to the config: what it shows is taken as it stands, and it leaves no key out."""

import re
from pathlib import Path

from sentinel.arbiter import config

GUIDE = (Path(__file__).parents[2] / "docs/guides/configuration.md").read_text()
SAMPLE = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)[0]


def test_the_sample_is_a_good_config() -> None:
    read = config.parse(SAMPLE, root=True)
    assert [s.settings.name for s in read.services] == ["ollama", "chat"]
    assert read.settings.limits.idle_reclaim == 7200


def test_every_key_is_in_it() -> None:
    shown = set(re.findall(r"^(\w+) = ", SAMPLE, re.MULTILINE))
    known = config._ARBITER_KEYS | config._WATCHDOG_KEYS | config._LIMIT_KEYS | config._SERVICE_KEYS
    assert known <= shown
