"""Renewing this node's certificate before it ends. Called by the beats' thread, whose connection it uses."""

from collections.abc import Callable

from sentinel.agent.link.controller import Controller
from sentinel.agent.link.joining import Keys
from sentinel.agent.link.membership import CERTIFICATE, KEY, Credentials
from sentinel.core.errors import SentinelError
from sentinel.core.notify import Journal

LEFT = 1 / 3
"""Of a certificate's life: when less remains, it is renewed."""
_LOOK_EVERY = 600.0
"""Seconds between two looks at it, and between two tries."""


class Renewal:
    """Used by one thread."""

    def __init__(
        self,
        credentials: Credentials,
        keys: Callable[[], Keys],
        journal: Journal,
        now: Callable[[], float],
        today: Callable[[], float],
    ) -> None:
        """`now` is boot time, `today` the epoch's."""
        self._credentials, self._keys, self._journal = credentials, keys, journal
        self._now, self._today = now, today
        self._looked_at = float("-inf")

    def look(self, controller: Controller) -> None:
        """Renews it if it is due. Raises nothing: the old one is good for a while, and this is tried
        again."""
        if self._now() - self._looked_at < _LOOK_EVERY:
            return
        self._looked_at = self._now()
        folder = self._credentials.folder
        try:
            keys = self._keys()
            since, until = keys.validity((folder / CERTIFICATE).read_bytes())
            if not due(since, until, self._today()):
                return
            request = keys.signing_request((folder / KEY).read_bytes(), self._credentials.membership.name)
            self._credentials.renewed(controller.renew(request))
        except (SentinelError, OSError) as error:
            self._journal.write("warning", f"this node's certificate could not be renewed: {error}")
            return
        self._journal.write("info", "this node's certificate was renewed")


def due(since: float, until: float, today: float) -> bool:
    """Whether less than a third of the life from `since` to `until` (epoch) remains."""
    return until - today < (until - since) * LEFT
