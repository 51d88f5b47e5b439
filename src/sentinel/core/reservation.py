"""A time for which nodes are kept: for somebody (a course, a deadline) or for nobody (maintenance).

Operators make them through the API, the store keeps them as documents, the scheduler plans around them: a job
that could still run when one begins that is not for it, is not placed there.

    {"id", "name", "kind": "reserved" | "maintenance", "nodes": [NAME…] (all when empty),
     "start": TIME, "end": TIME, "users": [NAME…], "groups": [NAME…], "by", "why"}
"""

from dataclasses import dataclass
from enum import StrEnum


class ReservationKind(StrEnum):
    """MAINTENANCE is for nobody: the nodes are empty then, unless somebody's job was there before."""

    RESERVED = "reserved"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """`start` and `end` are epoch seconds; `nodes` are names, and () is all of them."""

    id: str
    name: str
    kind: ReservationKind
    start: float
    end: float
    nodes: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    by: str = ""
    why: str = ""

    def admits(self, owner: str, account: str | None) -> bool:
        """Whether a job of `owner`, in the group `account`, may run in it."""
        if self.kind is ReservationKind.MAINTENANCE:
            return False
        return owner in self.users or (account is not None and account in self.groups)

    def covers(self, node: str) -> bool:
        """Whether the node of this name is kept."""
        return not self.nodes or node in self.nodes
