"""Where the inventory of this machine lies. Called by the commands that read it.

`--state-dir`, else $SENTINEL_STATE_DIR, else `[inventory] state_dir` in the config, else the default.
"""

import os
import tomllib
from pathlib import Path
from typing import Any, cast

from sentinel.core.config_file import DEFAULT_CONFIG
from sentinel.core.errors import ConfigError
from sentinel.inventory.statefile import DEFAULT_DIR, DIR_VARIABLE

CONFIG = Path(DEFAULT_CONFIG)
DEFAULT = Path(DEFAULT_DIR)


def state_dir(option: str | None, config: Path = CONFIG) -> Path:
    """The folder with inventory.json and events.jsonl. Raises ConfigError for a config that is no TOML."""
    if option:
        return Path(option)
    if found := os.environ.get(DIR_VARIABLE):
        return Path(found)
    return _configured(config) or DEFAULT


def _configured(config: Path) -> Path | None:
    try:
        whole = tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError:
        # Not there, or for root alone: then the default is the best guess, and the errors name the folder.
        return None
    except ValueError as error:
        raise ConfigError(f"is no TOML: {error}", file=str(config)) from None
    table = whole.get("inventory")
    found = cast("dict[str, Any]", table).get("state_dir") if isinstance(table, dict) else None
    if found is None:
        return None
    if not isinstance(found, str) or not found:
        raise ConfigError("is a path, in quotes", file=str(config), key="inventory.state_dir")
    return Path(found)
