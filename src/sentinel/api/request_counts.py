"""How many requests were answered, by method and status. Noted by the protection that stands before every
route, read by the route of the metrics. For one event loop: no lock, one addition a request.
"""

from collections import Counter
from collections.abc import Iterator

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
OTHER = "other"  # whatever else somebody wrote there


class RequestCounts:
    """Grows by what is known alone: seven methods and what statuses there are."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, int]] = Counter()

    def note(self, method: str, status: int) -> None:
        """An answer begins."""
        self._counts[method if method in _METHODS else OTHER, status] += 1

    def rows(self) -> Iterator[tuple[tuple[str, str], int]]:
        """((method, status), answers), ordered."""
        for (method, status), count in sorted(self._counts.items()):
            yield (method, str(status)), count
