"""Reservations as JSON objects, as core.reservation documents them. Called by whoever keeps them in the store
or shows them. What a newer version added is passed over."""

from collections.abc import Mapping
from typing import Any

from sentinel.core.clock import rfc3339
from sentinel.core.reservation import Reservation, ReservationKind
from sentinel.core.timestamp import epoch

RESERVATION = "reservation"  # the kind of the store's documents; their key is the id


def reservation_json(kept: Reservation) -> dict[str, Any]:
    """As in core.reservation."""
    return {
        "id": kept.id,
        "name": kept.name,
        "kind": kept.kind.value,
        "nodes": list(kept.nodes),
        "start": rfc3339(kept.start),
        "end": rfc3339(kept.end),
        "users": list(kept.users),
        "groups": list(kept.groups),
        "by": kept.by,
        "why": kept.why,
    }


def reservation_from(found: Mapping[str, Any]) -> Reservation:
    """What `reservation_json` wrote. KeyError, TypeError or ValueError when it is none."""
    return Reservation(
        id=str(found["id"]),
        name=str(found["name"]),
        kind=ReservationKind(found["kind"]),
        start=_time(found["start"]),
        end=_time(found["end"]),
        nodes=tuple(found["nodes"]),
        users=tuple(found["users"]),
        groups=tuple(found["groups"]),
        by=str(found["by"]),
        why=str(found["why"]),
    )


def _time(text: str) -> float:
    found = epoch(text)
    if found is None:
        raise ValueError(f"{text!r} is no time")
    return found
