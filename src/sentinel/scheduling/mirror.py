"""A Snapshot that follows a store. The scheduler has one, and so has the API, for what it answers from
memory.

`refresh` reads what changed since the last time. A store that is behind what was seen is another one (it was
restored): everything is read anew. `restored_at` and `hold_ended` are the store's settings of a restore:
while they differ, nothing is placed (see scheduling.loop).
"""

from sentinel.ports.store import Changes, Reader, Store
from sentinel.scheduling.snapshot import Snapshot

RESTORED_AT = "restored_at"  # set by whoever restores a backup, to when
HOLD_ENDED = "restore_hold_ended"  # the value of the above whose hold is over


class Mirror(Snapshot):
    """Not for several threads at once."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._read_once = False

    def refresh(self) -> Changes:
        """Reads what is new. StoreUnavailable leaves everything as it was."""
        with self._store.read() as reader:
            changes = reader.changes(self.revision, live_only=self.revision == 0)
            another = changes.revision < self.revision
            if another:
                changes = reader.changes(0, live_only=True)
            hold = holds(reader) if another or self.hold or not self._read_once else False
        if another:
            self.clear()
        self._read_once, self.hold = True, hold
        self.keep_up(changes)
        return changes

    def keep_up(self, changes: Changes) -> None:
        """Takes all that changed: the one place that knows what a store tells of."""
        self.take(
            jobs=changes.jobs,
            nodes=changes.nodes,
            removed=changes.removed_nodes,
            documents=changes.documents,
        )
        self.revision = changes.revision


def holds(reader: Reader) -> bool:
    """Whether the store was restored, and nobody has said yet that jobs may be placed again."""
    restored = reader.meta(RESTORED_AT)
    return bool(restored) and reader.meta(HOLD_ENDED) != restored
