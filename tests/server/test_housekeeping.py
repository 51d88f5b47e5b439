from sentinel.drivers.stores.memory import MemoryStore
from sentinel.server.housekeeping import PASSED_WITHIN, forget_documents


def left(store: MemoryStore) -> int:
    with store.read() as view:
        return len(view.changes(1).documents)


def test_what_removed_documents_leave_goes_once_everybody_has_seen_it() -> None:
    store, now = MemoryStore(), 1_800_000_000.0
    store.write(lambda tx: tx.put_document("a", "k", {}))
    store.write(lambda tx: tx.remove_document("a", "k"))
    store.write(lambda tx: forget_documents(tx, now))
    store.write(lambda tx: forget_documents(tx, now + PASSED_WITHIN - 1))
    assert left(store) == 1
    store.write(lambda tx: tx.put_document("a", "later", {}))
    store.write(lambda tx: tx.remove_document("a", "later"))
    store.write(lambda tx: forget_documents(tx, now + PASSED_WITHIN))
    assert left(store) == 1, "what was removed since is not gone yet"
    store.write(lambda tx: forget_documents(tx, now + 2 * PASSED_WITHIN))
    assert left(store) == 0
    store.close()


def test_a_clock_that_was_set_back_delays_nothing_for_long() -> None:
    store, now = MemoryStore(), 1_800_000_000.0
    store.write(lambda tx: tx.put_document("a", "k", {}))
    store.write(lambda tx: tx.remove_document("a", "k"))
    store.write(lambda tx: forget_documents(tx, now))
    store.write(lambda tx: forget_documents(tx, now - 86400))
    store.write(lambda tx: forget_documents(tx, now - 86400 + PASSED_WITHIN))
    assert left(store) <= 1
    store.close()
