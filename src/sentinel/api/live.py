"""The mirror of the API process: it is read by a thread and changed on the event loop. Called by the hub.

`refresh` of a plain Mirror does both at once: whoever answers from memory would see half of a change.
"""

from dataclasses import dataclass

from sentinel.ports.store import Changes, Store
from sentinel.scheduling.mirror import Mirror, holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a thread read. `anew`: the store is another one than before, so all was read."""

    changes: Changes
    hold: bool
    anew: bool


class Live(Mirror):
    """`look`, then `take_over`, then `look` again: never two at a time."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._first = True

    def look(self) -> Look:
        """Reads what is new, and changes nothing here. Blocks; for a thread. Raises StoreUnavailable."""
        since = self.revision
        with self._store.read() as reader:
            changes = reader.changes(since, live_only=since == 0)
            anew = changes.revision < since
            if anew:
                changes = reader.changes(0, live_only=True)
            hold = holds(reader) if self.hold or self._first or anew else False
        return Look(changes=changes, hold=hold, anew=anew)

    def take_over(self, look: Look) -> Changes:
        """Makes what was read the truth of this process."""
        if look.anew:
            self.clear()
        self._first = False
        self.hold = look.hold
        self.keep_up(look.changes)
        return look.changes

    def refresh(self) -> Changes:
        """Both at once, for who has no event loop."""
        return self.take_over(self.look())
