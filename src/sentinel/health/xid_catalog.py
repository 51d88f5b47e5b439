"""Every Xid code that NVIDIA documents, explained. Called by `xid`, and by `sentinel health --list`."""

from sentinel.health.xid_catalog_entry import Entry
from sentinel.health.xid_catalog_families import FAMILIES
from sentinel.health.xid_catalog_single import SINGLE

CATALOG: dict[int, Entry] = dict(sorted({**FAMILIES, **SINGLE}.items()))


def explained(code: int) -> Entry | None:
    """What is known of `code`; None when it is not in the catalogue of this version."""
    return CATALOG.get(code)
