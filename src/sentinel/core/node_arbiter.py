"""What the arbiter of a node says: who has its GPUs, which services step aside and why, who waits. Its agent
tells the controller; the API, the dashboard and `sentinel node show` show it.

    {"standing": "answers" | "silent" | "none", "why": TEXT,
     "services": [{"name", "state", "how": TEXT | null, "why", "since": TIME | null, "gpus": [UUID…],
                   "freed_bytes": N | null}…],
     "leases": [{"id", "user", "gpus": [UUID…], "since": TIME | null, "command", "job": ID | null}…],
     "waiting": [{"user", "why", "since": TIME | null, "command", "job": ID | null}…],
     "hold": {"by", "why", "since": TIME | null} | null}

`state` of a service is a word of arbiter.view, see ServiceState; `how` the rung of its ladder by which it
steps aside. `job`: the queue's, where a job of ours asked. TIME is RFC 3339 UTC; null is unknown.

The controller keeps that of a node as a document, its key the node's id.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sentinel.core.told import Told, cut, known_time, time_text

NODE_ARBITER = "node-arbiter"  # the kind of the store's documents
MOST_ROWS = 100
"""Services, leases and requests that wait: of each kind the first ones are told."""
MOST_GPUS = 64
LONGEST_TEXT = 300


class Standing(StrEnum):
    """ANSWERS: the rest is what it says. SILENT: there is one that does not answer. NONE: there is none."""

    ANSWERS = "answers"
    SILENT = "silent"
    NONE = "none"


class ServiceState(StrEnum):
    """Of a service that the arbiter makes step aside."""

    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    RESUMING = "resuming"
    FAILED = "failed"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SteppingAside:
    """A service of the arbiter's, and where it stands. `since`: epoch seconds."""

    name: str
    state: ServiceState
    how: str | None = None
    why: str = ""
    since: float | None = None
    gpus: tuple[str, ...] = ()
    freed_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lease of the arbiter's."""

    id: str
    user: str
    gpus: tuple[str, ...] = ()
    since: float | None = None
    command: str = ""
    job: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A request that waits at the arbiter."""

    user: str
    why: str = ""
    since: float | None = None
    command: str = ""
    job: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """An admin keeps its services off the GPUs."""

    by: str
    why: str = ""
    since: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeArbiter:
    """As in this module's docstring."""

    standing: Standing
    why: str = ""
    services: tuple[SteppingAside, ...] = ()
    leases: tuple[Held, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    hold: Hold | None = None

    def shape(self) -> tuple[object, ...]:
        """What of it is worth telling at once; the rest (whys that count seconds) waits for the next beat."""
        return (
            self.standing,
            [(one.name, one.state, one.how) for one in self.services],
            [(one.id, one.gpus) for one in self.leases],
            [(one.user, one.command, one.since) for one in self.waiting],
            self.hold is None,
        )


def presentable(arbiter: NodeArbiter) -> NodeArbiter:
    """`arbiter` so that its JSON is one for `node_arbiter_from`: lists and texts are cut."""
    return replace(
        arbiter,
        why=_cut(arbiter.why),
        services=tuple(
            [
                replace(
                    one,
                    name=_cut(one.name),
                    why=_cut(one.why),
                    how=one.how and _cut(one.how),
                    gpus=_few(one.gpus),
                    since=known_time(one.since),
                )
                for one in arbiter.services[:MOST_ROWS]
            ]
        ),
        leases=tuple(
            [
                replace(
                    one,
                    id=_cut(one.id),
                    user=_cut(one.user),
                    command=_cut(one.command),
                    gpus=_few(one.gpus),
                    since=known_time(one.since),
                )
                for one in arbiter.leases[:MOST_ROWS]
            ]
        ),
        waiting=tuple(
            [
                replace(
                    one,
                    user=_cut(one.user),
                    why=_cut(one.why),
                    command=_cut(one.command),
                    since=known_time(one.since),
                )
                for one in arbiter.waiting[:MOST_ROWS]
            ]
        ),
        hold=arbiter.hold
        and replace(
            arbiter.hold,
            by=_cut(arbiter.hold.by),
            why=_cut(arbiter.hold.why),
            since=known_time(arbiter.hold.since),
        ),
    )


def node_arbiter_json(arbiter: NodeArbiter) -> dict[str, Any]:
    """`arbiter` as in this module's docstring."""
    hold = arbiter.hold
    return {
        "standing": arbiter.standing.value,
        "why": arbiter.why,
        "services": [
            {
                "name": one.name,
                "state": one.state.value,
                "how": one.how,
                "why": one.why,
                "since": time_text(one.since),
                "gpus": list(one.gpus),
                "freed_bytes": one.freed_bytes,
            }
            for one in arbiter.services
        ],
        "leases": [
            {
                "id": one.id,
                "user": one.user,
                "gpus": list(one.gpus),
                "since": time_text(one.since),
                "command": one.command,
                "job": one.job,
            }
            for one in arbiter.leases
        ],
        "waiting": [
            {
                "user": one.user,
                "why": one.why,
                "since": time_text(one.since),
                "command": one.command,
                "job": one.job,
            }
            for one in arbiter.waiting
        ],
        "hold": hold and {"by": hold.by, "why": hold.why, "since": time_text(hold.since)},
    }


def node_arbiter_from(found: object) -> NodeArbiter:
    """What `node_arbiter_json` wrote. ProtocolError that names the field which is wrong or too long."""
    told = Told(found, "an arbiter")
    return NodeArbiter(
        standing=told.one_of("standing", Standing),
        why=_text(told, "why"),
        services=tuple([_service(one) for one in told.list("services", MOST_ROWS)]),
        leases=tuple([_lease(one) for one in told.list("leases", MOST_ROWS)]),
        waiting=tuple([_waiting(one) for one in told.list("waiting", MOST_ROWS)]),
        hold=None if told["hold"] is None else _hold(told["hold"]),
    )


def _service(found: object) -> SteppingAside:
    told = Told(found, "an arbiter's service")
    return SteppingAside(
        name=_text(told, "name"),
        state=told.one_of("state", ServiceState),
        how=told.text_or_none("how", LONGEST_TEXT),
        why=_text(told, "why"),
        since=told.time_or_none("since"),
        gpus=told.texts("gpus", LONGEST_TEXT, MOST_GPUS),
        freed_bytes=told.number_or_none("freed_bytes"),
    )


def _lease(found: object) -> Held:
    told = Told(found, "an arbiter's lease")
    return Held(
        id=_text(told, "id"),
        user=_text(told, "user"),
        gpus=told.texts("gpus", LONGEST_TEXT, MOST_GPUS),
        since=told.time_or_none("since"),
        command=_text(told, "command"),
        job=told.text_or_none("job", LONGEST_TEXT),
    )


def _waiting(found: object) -> Waiting:
    told = Told(found, "an arbiter's request")
    return Waiting(
        user=_text(told, "user"),
        why=_text(told, "why"),
        since=told.time_or_none("since"),
        command=_text(told, "command"),
        job=told.text_or_none("job", LONGEST_TEXT),
    )


def _hold(found: object) -> Hold:
    told = Told(found, "an arbiter's hold")
    return Hold(by=_text(told, "by"), why=_text(told, "why"), since=told.time_or_none("since"))


def _text(told: Told, field: str) -> str:
    return told.text(field, LONGEST_TEXT)


def _cut(text: str) -> str:
    return cut(text, LONGEST_TEXT)


def _few(gpus: Sequence[str]) -> tuple[str, ...]:
    return tuple([_cut(one) for one in gpus[:MOST_GPUS]])
