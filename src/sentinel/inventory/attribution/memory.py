"""What attribution remembers from one look to the next, beside the inventory itself.

Counters are stored, so that a scan started by a timer knows them too; judgements only save work.

    {"boot_id": "…", "counters": {WORKLOAD ID: {"cpu_seconds", "at", "begun", "looked": NUMBER | null}}}
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from sentinel.core.process_facts import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """Processor seconds at boot time `at`; boot times of when quiet began and was last seen so."""

    cpu_seconds: float | None = None
    at: float | None = None
    begun: float | None = None
    looked: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Counters mean something on boot `boot_id` only. `judged` is no fact: it can be empty any time."""

    boot_id: str = ""
    counters: Mapping[str, Counter] = field(default_factory=dict[str, Counter])
    judged: Mapping[str, tuple[object, object]] = field(default_factory=dict[str, tuple[object, object]])
    judged_by: Hashable = None  # what all of `judged` hangs on


NO_COUNTER = Counter()
_SHORTEST = 0.05
_NUMBERS = ("cpu_seconds", "at", "begun", "looked")


def cpu_percent(
    usage: Usage | None, before: Counter, boottime: float, shown: float | None
) -> tuple[float | None, float | None, float | None]:
    """Percent of one core since `before`, with the counter to remember: (percent, seconds, boot time).

    `shown` is the last figure, which stands when hardly any time has passed.
    """
    used = usage.cpu_seconds if usage else None
    if used is None:
        return None, None, None
    if before.cpu_seconds is None or before.at is None or used < before.cpu_seconds or boottime < before.at:
        return None, used, boottime
    passed = boottime - before.at
    if passed < _SHORTEST:
        return shown, before.cpu_seconds, before.at
    return round(100 * (used - before.cpu_seconds) / passed, 1), used, boottime


def memory_json(memory: Memory) -> dict[str, Any]:
    """`memory` as in this module's docstring."""
    return {
        "boot_id": memory.boot_id,
        "counters": {
            id: {name: getattr(one, name) for name in _NUMBERS}
            for id, one in memory.counters.items()
            if one != NO_COUNTER
        },
    }


def memory_from(found: object) -> Memory:
    """The memory in a JSON value. What can't be read is not remembered, no more."""
    if not isinstance(found, dict):
        return Memory()
    raw = cast("dict[str, Any]", found)
    boot_id, counters = raw.get("boot_id"), raw.get("counters")
    if not isinstance(boot_id, str) or not isinstance(counters, dict):
        return Memory()
    known = cast("dict[str, object]", counters)
    return Memory(
        boot_id=boot_id,
        counters={
            id: _counter(cast("dict[str, Any]", one)) for id, one in known.items() if isinstance(one, dict)
        },
    )


def _counter(raw: Mapping[str, Any]) -> Counter:
    return Counter(**{name: _number(raw.get(name)) for name in _NUMBERS})


def _number(found: object) -> float | None:
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None
