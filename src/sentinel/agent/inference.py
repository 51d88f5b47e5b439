"""The inference servers of this node, looked at every few seconds: a duty of the agent.

Made by `assembly`, started by the daemon. Which servers: those that the inventory sees (`inference_servers`)
and those that the config names. What they say is shown at /metrics and goes into the history; what is too old
is shown by neither. One thread keeps the pace; each server is asked in a thread that lasts as long as that,
so that one that does not answer keeps no other waiting.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from sentinel.agent.inference_config import InferenceConfig, InferenceServer
from sentinel.agent.inference_servers import Found, servers_on_gpus, still_there
from sentinel.core.clock import boottime
from sentinel.core.errors import ProtocolError, SentinelError
from sentinel.core.inventory import Inventory
from sentinel.ports.metrics_source import Listeners, MetricsSource
from sentinel.telemetry.scrape.families import FAMILIES, Family
from sentinel.telemetry.scrape.inference import MOST_MODELS, Reading, reading
from sentinel.telemetry.scrape.opening import OpenedWhenAsked
from sentinel.telemetry.scrape.progress import Value, followed, named, values, window_of
from sentinel.telemetry.scrape.server_kind import ServerKind
from sentinel.telemetry.scrape.text import read

_STALE = 3.0
"""Rounds after which what a server said is not believed any more to be so now."""
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """A server to be asked. `kind` None: it is tried out how."""

    name: str
    source: MetricsSource
    kind: ServerKind | None = None
    model: str | None = None
    families: Sequence[Family] = FAMILIES


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What a server said when last asked, at that boot time. `past` ends with it where it was `told`, and
    without it is what it said before. `trouble`: why that is not all of it."""

    at: float
    up: bool
    told: bool = False
    past: tuple[Reading, ...] = ()
    models: tuple[str, ...] = ()
    trouble: str = ""


class Inference:
    """`open_source` opens what the config names; where it raises a SentinelError, it is tried again.
    `open_port` opens a port of this machine's loopback address. `listeners` tell of processes. `said` hears
    once what is amiss with a server that the config names."""

    def __init__(
        self,
        config: InferenceConfig,
        *,
        open_source: Callable[[InferenceServer], MetricsSource],
        open_port: Callable[[int], MetricsSource],
        listeners: Listeners,
        said: Callable[[str], None],
        now: Callable[[], float] = boottime,
    ) -> None:
        self._config = config
        self._open_port, self._listeners, self._said, self._now = open_port, listeners, said, now
        self._named = tuple(
            _Target(
                name=one.name,
                source=OpenedWhenAsked(partial(open_source, one)),
                model=one.model,
                families=FAMILIES if one.family is None else (one.family, *FAMILIES),
            )
            for one in config.servers
        )
        self._found: dict[Found, _Target] = {}
        self._answers: Mapping[str, tuple[_Target, _Answer]] = {}
        self._asked: set[str] = set()
        self._amiss: dict[str, str] = {}
        self._inventory: Inventory | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)

    def take(self, inventory: Inventory) -> None:
        """A newer inventory. From any thread."""
        self._inventory = inventory

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def close(self) -> None:
        """Ends the looking within a moment: a server that is being asked is not waited for."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def values(self, node: str) -> list[Value]:
        """The series of all servers now, for the history and /metrics, where `node` is this node's name. From
        any thread."""
        oldest = self._now() - _STALE * self._config.every
        with self._lock:
            answers = dict(self._answers)
        return [
            value
            for name, (_, answer) in answers.items()
            if answer.at >= oldest
            for value in values(node, name, answer.up, answer.past if answer.told else (), answer.models)
        ]

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._asked)

    # -------------------------------------------------------------- the round

    def round(self) -> None:
        """Looks once at every server, and waits for none: answers come in as they come."""
        for target in self._targets():
            with self._lock:
                if target.name in self._asked:
                    continue  # it has not answered the last time yet
                self._asked.add(target.name)
            threading.Thread(
                target=self._ask, args=(target,), name=f"inference-{target.name[:40]}", daemon=True
            ).start()

    def _run(self) -> None:
        while True:
            self.round()
            if self._over.wait(self._config.every):
                return

    def _targets(self) -> Sequence[_Target]:
        """Those of the config, and those that are seen now or were seen and are still there."""
        inventory, before = self._inventory, self._found
        if self._config.scrape and inventory is not None:
            seen = [one for one in before if still_there(one, self._listeners)]
            taken = {one.port for one in seen} | {one.port_here for one in self._config.servers}
            new = [
                one for one in servers_on_gpus(inventory.workloads, self._listeners) if one.port not in taken
            ]
            self._found = {one: before[one] for one in seen}
            for one in new:
                self._found[one] = _Target(
                    name=self._name(one), source=self._open_port(one.port), kind=one.kind
                )
        targets = (*self._named, *self._found.values())
        with self._lock:
            names = {one.name for one in targets}
            self._answers = {name: one for name, one in self._answers.items() if name in names}
        return targets

    def _name(self, new: Found) -> str:
        """What it is shown as: nobody else's name."""
        taken = {one.name for one in (*self._named, *self._found.values())}
        return new.name if new.name not in taken else f"{new.name}:{new.port}"

    # -------------------------------------------------------------- one server

    def _ask(self, target: _Target) -> None:
        try:
            of, before = self._answers.get(target.name, (None, None))
            # Another process by that name counts anew.
            answer = self._answer(target, before.past if before is not None and of is target else ())
            with self._lock:
                self._answers = {**self._answers, target.name: (target, answer)}
        finally:
            with self._lock:
                self._asked.discard(target.name)
        if any(one is target for one in self._named):
            self._say(target.name, answer.trouble)

    def _answer(self, target: _Target, before: tuple[Reading, ...]) -> _Answer:
        at = self._now()
        try:
            if target.kind is ServerKind.OLLAMA:
                return _ollama(target, at)
            page = target.source.get()
            if page.status != _OK:
                # Not every server tells metrics, and Ollama none at all.
                if target.kind is None and (answer := _ollama(target, at)).up:
                    return answer
                why = f"it tells no metrics (HTTP {page.status})"
                up = target.source.get("/health").status == _OK
                return _Answer(at=at, up=up, past=before, trouble=why)
            try:
                found = reading(read(page.body, page.content_type).samples, at, target.families)
            except ProtocolError as error:
                return _Answer(
                    at=at, up=True, past=before, trouble=f"its metrics cannot be read: {error.message}"
                )
        except SentinelError as error:
            return _Answer(at=at, up=False, past=before, trouble=error.message)
        new = named((found,), target.model)[0]
        trouble = "" if new.counts else "none of its metrics is known; name them in the config file"
        return _Answer(
            at=at,
            up=True,
            told=True,
            past=followed(before, new, window_of(self._config.every)),
            models=() if target.model is None else (target.model,),
            trouble=trouble,
        )

    def _say(self, name: str, trouble: str) -> None:
        with self._lock:
            before = self._amiss.get(name, "")
            self._amiss[name] = trouble
        if trouble and trouble != before:
            self._said(f"inference server {name}: {trouble}")


def _ollama(target: _Target, at: float) -> _Answer:
    """By Ollama's own API: it counts nothing, but says which models it has loaded. ScrapeError."""
    told = target.source.get("/api/version")
    if told.status != _OK or "version" not in _object(told.body):
        return _Answer(at=at, up=False, trouble=f"it does not answer as Ollama does (HTTP {told.status})")
    loaded = target.source.get("/api/ps")
    rows: Any = _object(loaded.body).get("models") if loaded.status == _OK else None
    names = [_name(row) for row in cast("list[Any]", rows)] if isinstance(rows, list) else []
    return _Answer(at=at, up=True, models=tuple(sorted({one for one in names if one}))[:MOST_MODELS])


def _name(row: object) -> str:
    name = cast("dict[str, Any]", row).get("name") if isinstance(row, dict) else None
    return name if isinstance(name, str) else ""


def _object(body: bytes) -> dict[str, Any]:
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
