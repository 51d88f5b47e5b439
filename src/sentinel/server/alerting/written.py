"""What rounds go by that others write: rules, silences, routes and channels (people, through the API),
acknowledgements, findings and nodes. Followed in memory by `rounds`.

A document that cannot be read (a newer version wrote it, or nobody did) is passed over and said once; the
rest counts.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sentinel.alerting.library import SHIPPED_INHIBITIONS, in_force
from sentinel.alerting.quiet import Elsewhere
from sentinel.alerting.round import Policy
from sentinel.core.alert import Ack, Inhibition, Route, Rule, Silence
from sentinel.core.alert_json import (
    ACK,
    CHANNEL,
    DEFAULT_ROUTE,
    INHIBITION,
    ROUTE,
    SILENCE,
    inhibition_from,
    route_from,
    silence_from,
)
from sentinel.core.errors import SentinelError
from sentinel.core.finding import NODE_FINDINGS, Finding, finding_from
from sentinel.core.node import Node, NodeState
from sentinel.core.rule_json import RULE, rule_from
from sentinel.core.timestamp import epoch
from sentinel.ports.store import Changes, Document, Reader, Store

_Data = Mapping[str, Any]
_REMOVED = "sentinel.node.removed"
_MOST_REMOVED = 1000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAck:
    """What somebody said of an alert since the last round. `ack` None: it was taken back. `revision` is the
    document's."""

    ack: Ack | None
    revision: int


class Written:
    """For one thread. Everything is as of `revision`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.revision = 0
        self._begun = False
        self._policy: Policy | None = None
        self._bad: set[tuple[str, str, int]] = set()
        self.rules: dict[str, Rule] = {}
        self.silences: dict[str, Silence] = {}
        self.inhibitions: dict[str, Inhibition] = {}
        self.routes: dict[str, tuple[int, Route]] = {}  # and their places in the order
        self.channels: dict[str, bool] = {}  # names alone: whoever sends reads the rest, which is secret
        self.acks: dict[str, NewAck] = {}
        self.findings: dict[str, tuple[str, tuple[Finding, ...]]] = {}  # by the node's id: its name, and what
        self.nodes: dict[str, Node] = {}
        self._gone: set[str] = set()
        self._tables: Mapping[str, tuple[dict[str, Any], Callable[[_Data, int], object]]] = {
            RULE: (self.rules, lambda data, _: rule_from(data, strict=False)),
            SILENCE: (self.silences, lambda data, _: silence_from(data, strict=False)),
            INHIBITION: (self.inhibitions, lambda data, _: inhibition_from(data, strict=False)),
            ROUTE: (self.routes, lambda data, _: (int(data.get("place", 0)), route_from(data, strict=False))),
            CHANNEL: (self.channels, lambda _data, _: True),
            ACK: (self.acks, _new_ack),
            NODE_FINDINGS: (self.findings, lambda data, _: (str(data["node"]), _findings(data))),
        }

    def follow(self) -> bool:
        """Reads what is new. False: it is another store than before (one that was restored), so whoever kept
        anything of it reads that again, too. StoreUnavailable leaves everything as it was."""
        with self._store.read() as reader:
            same = not self._begun or reader.revision() >= self.revision
            if self._begun and same:
                self._take(reader.changes(self.revision))
            else:
                self._read(reader)
        return same

    def policy(self, elsewhere: Elsewhere | None = None) -> Policy:
        """What is in force."""
        if self._policy is None or self._policy.elsewhere != elsewhere:
            blocked = {one.name: one for one in SHIPPED_INHIBITIONS} | self.inhibitions
            self._policy = Policy(
                rules=in_force(self.rules.values()),
                silences=tuple(self.silences.values()),
                inhibitions=tuple(blocked.values()),
                routes=self._routes(),
                elsewhere=elsewhere,
            )
        return self._policy

    def silent(self) -> frozenset[str]:
        """Names of nodes that are not heard of."""
        return frozenset(node.name for node in self.nodes.values() if node.state is NodeState.SILENT)

    def removed(self) -> frozenset[str]:
        """Names of nodes that are none any more, those that somebody declared dead among them."""
        dead = {node.name for node in self.nodes.values() if node.state is NodeState.DEAD}
        return frozenset(self._gone | dead)

    def findings_by_node(self) -> dict[str, tuple[Finding, ...] | None]:
        """By the node's name. Of a node that is not heard of they are unknown."""
        silent = self.silent()
        return {name: None if name in silent else found for name, found in self.findings.values()}

    # ------------------------------------------------------------------ inside

    def _routes(self) -> tuple[Route, ...]:
        if self.routes:
            ordered = sorted(self.routes.values(), key=lambda one: (one[0], one[1].name))
            return tuple(route for _, route in ordered)
        channels = tuple(sorted(self.channels))
        return (Route(name=DEFAULT_ROUTE, channels=channels),) if channels else ()

    def _read(self, reader: Reader) -> None:
        """All of it."""
        revision, nodes = reader.revision(), reader.nodes()
        kept = [one for kind in self._tables for one in reader.documents(kind)]
        removed = reader.events(0, _MOST_REMOVED, types=(_REMOVED,), newest=True)
        for table, _ in self._tables.values():
            table.clear()
        self.nodes = {node.id: node for node in nodes}
        self._gone = {str(one.data.get("name")) for one in removed} - {node.name for node in nodes}
        for one in kept:
            self._take_document(one)
        self.revision, self._policy, self._begun = revision, None, True

    def _take(self, changes: Changes) -> None:
        for node in changes.nodes:
            before = self.nodes.get(node.id)
            if before is not None and before.name != node.name:
                self._gone.add(before.name)
            self.nodes[node.id] = node
            self._gone.discard(node.name)
        for id in changes.removed_nodes:
            gone = self.nodes.pop(id, None)
            if gone is not None:
                self._gone.add(gone.name)
        if changes.removed_nodes:
            self._gone -= {node.name for node in self.nodes.values()}
        for one in changes.documents:
            self._take_document(one)
        self.revision = changes.revision

    def _take_document(self, one: Document) -> None:
        if one.kind not in self._tables:
            return
        if one.kind not in (ACK, NODE_FINDINGS):
            self._policy = None
        table, read = self._tables[one.kind]
        table.pop(one.key, None)
        if one.data is None:
            return
        try:
            table[one.key] = read(one.data, one.revision)
        except (SentinelError, KeyError, TypeError, ValueError, AttributeError) as error:
            what = one.kind, one.key, one.revision
            if what not in self._bad:
                self._bad.add(what)
                why = error.message if isinstance(error, SentinelError) else type(error).__name__
                _log.warning("%s %s cannot be read and does not count: %s", one.kind, one.key, why)


def _new_ack(data: _Data, revision: int) -> NewAck:
    ack = Ack(by=str(data["by"]), at=epoch(data["at"]) or 0.0, why=str(data.get("why", "")))
    return NewAck(ack=None if data.get("withdrawn") else ack, revision=revision)


def _findings(data: _Data) -> tuple[Finding, ...]:
    return tuple([finding_from(one) for one in data["findings"]])
