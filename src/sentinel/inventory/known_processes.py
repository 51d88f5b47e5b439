"""Facts about processes, remembered for as long as they are the same processes, between scans, too.

Called by the scan: all there is to know of a process is six small files, that it is still itself is one.
"""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sentinel.core.process import ProcessId
from sentinel.core.process_facts import ProcessFacts, Usage
from sentinel.ports.process_facts import ProcessFactsSource

_TICKS = os.sysconf("SC_CLK_TCK")
_YOUNG, _REREAD_YOUNG, _REREAD = 10.0, 2.5, 120.0
"""Seconds: how long a process is young, and after which time what is known of it is read again. A process may
yet become another program, or be moved to another cgroup: mostly just after its start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    facts: ProcessFacts
    read_at: float  # boot time

    def holds(self, now: float) -> bool:
        young = self.read_at - self.facts.process.started / _TICKS < _YOUNG
        return now - self.read_at < (_REREAD_YOUNG if young else _REREAD)


class KnownProcesses:
    """Used by one thread at a time."""

    def __init__(self, source: ProcessFactsSource) -> None:
        self._source = source
        self._known: dict[int, _Known] = {}

    def look(
        self, pids: Collection[int], used: Collection[int], now: float
    ) -> tuple[dict[int, ProcessFacts], dict[int, Usage]]:
        """The facts of those of `pids` that are there, and what those in `used` use. Forgets the others."""
        facts: dict[int, ProcessFacts] = {}
        usage: dict[int, Usage] = {}
        kept: dict[int, _Known] = {}
        for pid in pids:
            known, now_used = self._known.get(pid), None
            if known is not None and known.holds(now):
                now_used = self._source.usage(known.facts.process)
            if known is None or now_used is None:
                read = self._source.facts(pid)
                if read is None:
                    continue
                known = _Known(facts=read, read_at=now)
                now_used = self._source.usage(read.process)
            facts[pid], kept[pid] = known.facts, known
            if now_used is not None and pid in used:
                usage[pid] = now_used
        self._known = kept
        return facts, usage

    # -------------------------------------------------------------- between processes of ours

    def memory(self) -> list[dict[str, Any]]:
        """What is known, as JSON values. Means something on this boot only."""
        return [_json(one) for one in self._known.values()]

    def remember(self, memory: object) -> None:
        """Takes what `memory` gave; what cannot be read is looked up anew."""
        for raw in cast("list[Any]", memory) if isinstance(memory, list) else ():
            try:
                known = _from(raw)
            except (KeyError, TypeError, ValueError, OverflowError):
                continue
            self._known[known.facts.process.pid] = known


def _json(known: _Known) -> dict[str, Any]:
    facts = known.facts
    return {
        "read_at": known.read_at,
        "pid": facts.process.pid,
        "started": facts.process.started,
        "name": facts.name,
        "command": facts.command,
        "uid": facts.uid,
        "login_uid": facts.login_uid,
        "cgroups": facts.cgroups,
        "started_at": facts.started_at,
        "variables": dict(facts.variables),
        "in_host_user_namespace": facts.in_host_user_namespace,
    }


def _from(raw: Mapping[str, Any]) -> _Known:
    facts = ProcessFacts(
        process=ProcessId(int(raw["pid"]), int(raw["started"])),
        name=raw["name"],
        command=None if raw["command"] is None else tuple(raw["command"]),
        uid=raw["uid"],
        login_uid=raw["login_uid"],
        cgroups=None if raw["cgroups"] is None else tuple(raw["cgroups"]),
        started_at=raw["started_at"],
        variables=dict(raw["variables"]),
        in_host_user_namespace=raw["in_host_user_namespace"],
    )
    return _Known(facts=facts, read_at=float(raw["read_at"]))
