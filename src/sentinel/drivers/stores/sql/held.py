"""Who has which GPU, as the work that runs has to see it. Asked by the transaction before it takes a lease.

The database would refuse as well, but only in the end, and with it the whole batch.
"""

from collections.abc import Mapping

from sentinel.core.job import WHOLE
from sentinel.drivers.stores.sql.pending import Pending
from sentinel.drivers.stores.sql.schema import SHARED
from sentinel.drivers.stores.sql.statements import Statements
from sentinel.drivers.stores.sql.wire import Wire

Taken = tuple[str, int]
"""The token of the lease that has the GPU, or SHARED, and how many thousandths of it are taken."""


class Held:
    """What the database has, each node looked up once, below the two layers of what it does not have yet."""

    def __init__(self, wire: Wire, sql: Statements) -> None:
        self._wire = wire
        self._sql = sql
        self._nodes: dict[str, Mapping[str, Taken]] = {}

    def forget(self) -> None:
        self._nodes.clear()

    def of(self, node: str, gpu: str, through: Pending, running: Pending) -> Taken | None:
        """None: it cannot be said before the database has the layers; a share of it may have been freed."""
        place = (node, gpu)
        if (holder := running.holders.get(place)) is not None:
            return holder, WHOLE
        if (holder := through.holders.get(place)) is not None and holder not in running.freed:
            return holder, WHOLE
        holder, milli = self._of_node(node).get(gpu, (SHARED, 0))
        if holder != SHARED:
            if holder not in through.freed and holder not in running.freed:
                return holder, WHOLE
            milli = 0
        milli += through.shares[place]
        if milli and (through.freed or running.freed):
            return None
        return SHARED, milli + running.shares[place]

    def _of_node(self, node: str) -> Mapping[str, Taken]:
        found = self._nodes.get(node)
        if found is None:
            rows = self._wire.rows(self._sql.holders, {"node": node})
            found = self._nodes[node] = {gpu: (token, milli) for gpu, token, milli in rows}
        return found
