"""What stands, on the disk: STATE_DIR/findings.json. Written by the agent, read by whoever shows it.

    {"schema": 1, "at": TIME, "boot_id": "…", "standing": {as in health.standing_json},
     "unknown": {COMPONENT: WHY…}, "acted": {FINDING ID: [FIRST_AT | null, COUNT]…}}

`acted` is for the quarantine: what has been acted upon already.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from sentinel.core.atomic_file import replace_file
from sentinel.core.clock import rfc3339
from sentinel.core.errors import SentinelError
from sentinel.core.timestamp import epoch
from sentinel.health.quarantine import Acted
from sentinel.health.standing import Standing
from sentinel.health.standing_json import standing_from, standing_json

FINDINGS = "findings.json"
_SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """As in this module's docstring. `at` in epoch seconds."""

    at: float
    boot_id: str
    standing: Standing = field(default_factory=Standing)
    unknown: Mapping[str, str] = field(default_factory=dict[str, str])
    acted: Acted = field(default_factory=Acted)


def save(folder: Path, kept: Kept, *, durable: bool = True) -> None:
    """Replaces the file; `durable`: it is on the disk on return. Raises SentinelError when that will not."""
    document = {
        "schema": _SCHEMA,
        "at": rfc3339(kept.at),
        "boot_id": kept.boot_id,
        "standing": standing_json(kept.standing),
        "unknown": dict(kept.unknown),
        "acted": {id: list(mark) for id, mark in kept.acted.findings.items()},
    }
    path = folder / FINDINGS
    try:
        replace_file(path, json.dumps(document, separators=(",", ":")).encode(), mode=0o644, durable=durable)
    except OSError as error:
        raise SentinelError(f"cannot write {path}: {error.strerror}; what it said before stays") from None


def load(folder: Path) -> Kept | None:
    """What is there; None when there is nothing that can be used: then all that is found is new."""
    try:
        raw: Any = json.loads((folder / FINDINGS).read_bytes())
        if not isinstance(raw, dict):
            return None
        found = cast("dict[str, Any]", raw)
        at = epoch(found["at"])
        if found["schema"] != _SCHEMA or at is None:
            return None
        return Kept(
            at=at,
            boot_id=str(found["boot_id"]),
            standing=standing_from(found["standing"]),
            unknown={str(name): str(why) for name, why in found["unknown"].items()},
            acted=Acted(findings={id: (mark[0], int(mark[1])) for id, mark in found["acted"].items()}),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return None
