from dataclasses import replace
from typing import Any

import pytest

from sentinel.core.errors import SentinelError, UsageError
from sentinel.core.identity import Role, User
from sentinel.core.node import Node
from sentinel.core.reservation import Reservation, ReservationKind
from sentinel.drivers.stores.memory import MemoryStore
from sentinel.ports.store import Transaction
from sentinel.scheduling import reservation_desk
from sentinel.scheduling.node_desk import NoSuchNode
from sentinel.scheduling.reservation_desk import Clash, NoSuchReservation

NOW = 1_800_000_000.0
HOUR = 3600.0
COURSE = Reservation(
    id="abcdefghjk",
    name="course",
    kind=ReservationKind.RESERVED,
    start=NOW + HOUR,
    end=NOW + 3 * HOUR,
    nodes=("n1",),
    users=("ada",),
    by="root",
)
MAINTENANCE: dict[str, Any] = {"kind": ReservationKind.MAINTENANCE, "users": ()}


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()

    def fill(tx: Transaction) -> None:
        for name in ("n1", "n2"):
            tx.put_node(Node(id=f"id-{name}", name=name, joined_at=NOW))
        for name, group in (("ada", "ml"), ("bob", None)):
            tx.put_user(User(name=name, role=Role.MEMBER, created_at=NOW, group=group))

    store.write(fill)
    return store


def add(store: MemoryStore, new: Reservation, now: float = NOW) -> None:
    store.write(lambda tx: reservation_desk.add_reservation(tx, new, tenant="default", now=now))


def remove(store: MemoryStore, called: str) -> Reservation:
    return store.write(
        lambda tx: reservation_desk.remove_reservation(tx, called, by="root", tenant="default", now=NOW)
    )


def names(store: MemoryStore) -> list[str]:
    with store.read() as reader:
        return [one.name for one in reservation_desk.reservations(reader)]


def test_it_is_kept_and_told(store: MemoryStore) -> None:
    add(store, COURSE)
    add(store, replace(COURSE, id="b", name="before", start=NOW - HOUR, end=NOW + HOUR))
    assert names(store) == ["before", "course"]
    with store.read() as reader:
        assert reservation_desk.find_reservation(reader, "course") == COURSE
        assert reservation_desk.find_reservation(reader, "abcdefghjk") == COURSE
    assert remove(store, "course") == COURSE
    assert names(store) == ["before"]
    with pytest.raises(NoSuchReservation, match="course"):
        remove(store, "course")
    with store.read() as reader:
        told = [event for event in reader.events(0, 100) if event.subject == COURSE.id]
    assert [event.type for event in told] == ["sentinel.reservation.added", "sentinel.reservation.removed"]
    assert told[0].data["name"] == "course"
    assert (told[0].data["users"], told[1].data["by"]) == (["ada"], "root")


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"end": NOW + HOUR}, UsageError, "ends after it begins"),
        ({"start": NOW - 2 * HOUR, "end": NOW}, UsageError, "over already"),
        ({"users": ()}, UsageError, "for which users or groups"),
        ({"kind": ReservationKind.MAINTENANCE}, UsageError, "for nobody"),
        ({"nodes": ("n1", "n9")}, NoSuchNode, "no node n9"),
        ({"users": ("ada", "eve")}, UsageError, "no user eve"),
        ({"groups": ("bio",)}, UsageError, "nobody is in the group bio"),
    ],
)
def test_what_makes_no_sense_is_refused(
    store: MemoryStore, changes: dict[str, Any], error: type[SentinelError], says: str
) -> None:
    with pytest.raises(error, match=says):
        add(store, replace(COURSE, **changes))
    assert names(store) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "course has n1 from"),
        ({"start": NOW, "end": NOW + 9 * HOUR}, "course has n1 from"),
        ({"nodes": ("n2", "n1")}, "course has n1 from"),
        ({"nodes": ()}, "course has n1 from"),
        ({"nodes": ("n2",)}, None),
        ({"start": NOW, "end": NOW + HOUR}, None),
        ({"start": NOW + 3 * HOUR, "end": NOW + 4 * HOUR}, None),
        (MAINTENANCE, None),
        ({"name": "course", "nodes": ("n2",)}, "a reservation course already"),
    ],
)
def test_two_cannot_have_the_same_nodes_at_the_same_time(
    store: MemoryStore, changes: dict[str, Any], says: str | None
) -> None:
    add(store, COURSE)
    other = replace(COURSE, **{"id": "b", "name": "other", "users": ("bob",), **changes})
    if says is None:
        add(store, other)
    else:
        with pytest.raises(Clash, match=says):
            add(store, other)


def test_both_of_all_nodes(store: MemoryStore) -> None:
    add(store, replace(COURSE, nodes=()))
    with pytest.raises(Clash, match="course has all nodes"):
        add(store, replace(COURSE, id="b", name="other", nodes=()))


def test_what_is_over_is_in_nobodys_way_and_forgotten_later(store: MemoryStore) -> None:
    add(store, COURSE)
    after = NOW + 3 * HOUR
    add(store, replace(COURSE, id="b", start=after, end=after + HOUR), now=after)
    with store.read() as reader:
        assert reservation_desk.find_reservation(reader, "course").id == "b"  # the later one of that name
        assert reservation_desk.find_reservation(reader, "abcdefghjk") == COURSE
    forget = reservation_desk.forget_reservations
    assert store.write(lambda tx: forget(tx, COURSE.end)) == 0
    assert store.write(lambda tx: forget(tx, COURSE.end + 1)) == 1
    assert names(store) == ["course"]
