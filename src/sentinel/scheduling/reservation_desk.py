"""What is done to reservations, each within a transaction of the store. Called by the API and housekeeping.

The scheduler reads them as documents. Times are the epoch's.
"""

from collections.abc import Sequence

from sentinel.core.clock import rfc3339
from sentinel.core.errors import SentinelError, UsageError
from sentinel.core.reservation import Reservation, ReservationKind
from sentinel.core.reservation_json import RESERVATION, reservation_from, reservation_json
from sentinel.ports.store import NewEvent, Reader, Transaction
from sentinel.scheduling.node_desk import NoSuchNode


class NoSuchReservation(SentinelError):
    """There is none of that id or name."""


class Clash(SentinelError):
    """Another reservation has its name, or its nodes at that time."""


def reservations(reader: Reader) -> Sequence[Reservation]:
    """All that are kept, ended ones too; which begins first is first."""
    found = [reservation_from(kept.data) for kept in reader.documents(RESERVATION) if kept.data is not None]
    return sorted(found, key=lambda one: (one.start, one.id))


def find_reservation(reader: Reader, called: str) -> Reservation:
    """By its id, or by its name: of several, the one that ends last. NoSuchReservation."""
    by_end = sorted(reservations(reader), key=lambda one: (one.id == called, one.end))
    found = [one for one in by_end if called in (one.id, one.name)]
    if not found:
        raise NoSuchReservation(
            f"there is no reservation {called}; `sentinel reservation list` has those there are"
        )
    return found[-1]


def add_reservation(tx: Transaction, new: Reservation, *, tenant: str, now: float) -> Reservation:
    """Keeps it. UsageError for one that makes no sense, NoSuchNode, Clash."""
    _check(tx, new, now)
    for other in reservations(tx):
        if other.end > now:
            _check_beside(new, other)
    tx.put_document(RESERVATION, new.id, reservation_json(new))
    _tell(tx, "added", new, new.by, tenant, now)
    return new


def remove_reservation(tx: Transaction, called: str, *, by: str, tenant: str, now: float) -> Reservation:
    """What runs in it goes on. NoSuchReservation."""
    found = find_reservation(tx, called)
    tx.remove_document(RESERVATION, found.id)
    _tell(tx, "removed", found, by, tenant, now)
    return found


def forget_reservations(tx: Transaction, before: float) -> int:
    """Drops those that ended before that (epoch); how many."""
    old = [one.id for one in reservations(tx) if one.end < before]
    for id in old:
        tx.remove_document(RESERVATION, id)
    return len(old)


# ------------------------------------------------------------------ what makes sense


def _check(reader: Reader, new: Reservation, now: float) -> None:
    if new.end <= new.start:
        raise UsageError("a reservation ends after it begins")
    if new.end <= now:
        raise UsageError(f"it would be over already: its end is {rfc3339(new.end)}")
    for_somebody = bool(new.users or new.groups)
    if new.kind is ReservationKind.MAINTENANCE and for_somebody:
        raise UsageError("maintenance is for nobody: leave users and groups out")
    if new.kind is ReservationKind.RESERVED and not for_somebody:
        raise UsageError("say for which users or groups it is; for nobody it is maintenance")
    names = {node.name for node in reader.nodes()}
    if missing := [name for name in new.nodes if name not in names]:
        raise NoSuchNode(f"there is no node {missing[0]}; `sentinel node list` has those there are")
    people = reader.users() if for_somebody else ()
    known, inhabited = {user.name for user in people}, {user.group for user in people}
    if missing := [name for name in new.users if name not in known]:
        raise UsageError(f"there is no user {missing[0]}; `sentinel user list` has those there are")
    if missing := [name for name in new.groups if name not in inhabited]:
        raise UsageError(
            f"nobody is in the group {missing[0]}; `sentinel user set NAME --group {missing[0]}`"
        )


def _check_beside(new: Reservation, other: Reservation) -> None:
    """`other` is not over. Maintenance may be in the midst of anything; two of the other kind on the same
    node would keep each other out."""
    if new.name == other.name:
        raise Clash(f"there is a reservation {new.name} already, {other.id}; take another name or remove it")
    if ReservationKind.MAINTENANCE in (new.kind, other.kind):
        return
    together = new.start < other.end and other.start < new.end
    if together and (shared := _shared(new, other)):
        raise Clash(
            f"{other.name} has {shared} from {rfc3339(other.start)} to {rfc3339(other.end)}; "
            "take other nodes or another time, or remove it"
        )


def _shared(one: Reservation, other: Reservation) -> str:
    """The nodes that both keep; empty: none."""
    if not one.nodes or not other.nodes:
        return ", ".join(one.nodes or other.nodes) or "all nodes"
    return ", ".join(name for name in one.nodes if name in other.nodes)


def _tell(tx: Transaction, what: str, kept: Reservation, by: str, tenant: str, now: float) -> None:
    data = reservation_json(kept)
    tx.add_event(
        NewEvent(
            time=now,
            type=f"sentinel.reservation.{what}",
            subject=data.pop("id"),
            tenant=tenant,
            data=data | {"by": by},
        )
    )
