"""Whether a lease may be taken, as every store of this family says it. Called by their transactions."""

from sentinel.core.errors import StoreConflict
from sentinel.core.job import WHOLE
from sentinel.core.job_lease import JobLease


def check_milli(lease: JobLease) -> None:
    """Raises StoreConflict when it is a lease of nothing, or of more than there is."""
    if not 1 <= lease.milli <= WHOLE:
        raise StoreConflict(
            f"lease {lease.token} is of {lease.milli} thousandths of a GPU: 1 to {WHOLE} can be"
        )


def check_room(lease: JobLease, gpu: str, taken: int, holder: str) -> None:
    """Raises StoreConflict when `gpu`, of which so many thousandths are taken, has no room for it.

    `holder` has the whole of it; empty: it is shared."""
    if taken + lease.milli <= WHOLE:
        return
    if holder:
        raise StoreConflict(f"GPU {gpu} of node {lease.node} is in another lease: {holder}")
    raise StoreConflict(
        f"GPU {gpu} of node {lease.node} is shared: {WHOLE - taken} thousandths of it are left, "
        f"and lease {lease.token} is of {lease.milli}"
    )
