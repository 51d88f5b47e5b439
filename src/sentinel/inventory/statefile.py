"""The inventory on disk: STATE_DIR/inventory.json for everybody, and beside it what makes a scan quick.

Called by the keeper, which is the only writer, and by every command that shows the inventory.

inventory.json is core.workload_json's object with one thing more, "outbox": the events of that scan. It is
replaced before the events are written to their log, and the next writer looks whether they all got there:
so an event is told once, whenever the writer is killed.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sentinel.core.atomic_file import replace_file
from sentinel.core.errors import SentinelError
from sentinel.core.event import Event, event_from, event_json
from sentinel.core.inventory import Inventory
from sentinel.core.workload_json import inventory_from, inventory_json

INVENTORY = "inventory.json"
MEMORY = "scan-memory.json"
DEFAULT_DIR = "/var/lib/sentinel"
DIR_VARIABLE = "SENTINEL_STATE_DIR"
"""Names another folder, for whoever writes the inventory and whoever shows it."""


class NoInventory(SentinelError):
    """There is no inventory yet, or none that can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What an inventory file holds."""

    inventory: Inventory
    outbox: tuple[Event, ...] = ()


def load(folder: Path) -> Kept:
    """What is there. Raises NoInventory, which says what to do."""
    path = folder / INVENTORY
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NoInventory(
            f"there is no inventory in {folder} yet: run `sentinel scan`, or start the agent or its timer"
        ) from None
    except OSError as error:
        raise NoInventory(f"cannot read {path}: {error.strerror}") from None
    try:
        raw: Any = json.loads(data)
        inventory = inventory_from(raw)
    except (ValueError, RecursionError) as error:
        raise NoInventory(f"{path} cannot be used: {error}; the next scan makes a new one") from None
    outbox: Any = raw.get("outbox")
    waiting = cast("list[object]", outbox) if isinstance(outbox, list) else []
    found = (event_from(one) for one in waiting)
    return Kept(inventory=inventory, outbox=tuple(one for one in found if one is not None))


def save(folder: Path, inventory: Inventory, outbox: Sequence[Event]) -> None:
    """Replaces the file. Raises SentinelError, saying what to do, when the disk will not."""
    document = inventory_json(inventory) | {"outbox": [event_json(event) for event in outbox]}
    _replace(folder / INVENTORY, document, mode=0o644, durable=bool(outbox))


def load_memory(folder: Path) -> dict[str, Any]:
    """What the last scan remembered for itself; {} when there is nothing of use: it can be made anew."""
    try:
        found: Any = json.loads((folder / MEMORY).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def save_memory(folder: Path, memory: dict[str, Any]) -> None:
    """Replaces it. Only its owner may read it: containers are described there more fully than in public."""
    _replace(folder / MEMORY, memory, mode=0o600, durable=False)


def _replace(path: Path, document: dict[str, Any], *, mode: int, durable: bool) -> None:
    data = json.dumps(document, separators=(",", ":")).encode()
    try:
        replace_file(path, data, mode=mode, durable=durable)
    except OSError as error:
        raise SentinelError(
            f"cannot write {path}: {error.strerror}; what was there before is as it was"
        ) from None
