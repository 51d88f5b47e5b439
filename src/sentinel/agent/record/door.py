"""The controller, for whoever sends samples: with this node's certificate as it is by now. Used by `sending`.

The link renews the certificate, and tells nobody: that its file is another one does.
"""

from pathlib import Path

from sentinel.agent.link.controller import Controller
from sentinel.agent.link.membership import CERTIFICATE, Credentials, Membership
from sentinel.core.errors import SentinelError

_Identity = tuple[int, int]


class Door:
    """For one thread, but for `interrupt`. Raises as `Controller` does, and SentinelError when the node's
    files cannot be used."""

    def __init__(self, folder: Path, membership: Membership) -> None:
        self._folder, self._membership = folder, membership
        self._file: _Identity | None = None
        self._controller: Controller | None = None

    def samples(self, batch: bytes) -> bool:
        return self._ready().samples(batch)

    def interrupt(self) -> None:
        if (controller := self._controller) is not None:
            controller.interrupt()

    def close(self) -> None:
        if self._controller is not None:
            self._controller.close()

    def _ready(self) -> Controller:
        path = self._folder / CERTIFICATE
        try:
            stat = path.stat()
        except OSError as error:
            raise SentinelError(f"cannot read {path}: {error.strerror}") from None
        file = (stat.st_ino, stat.st_mtime_ns)
        if self._controller is None or file != self._file:
            self.close()
            self._controller = Controller(Credentials(self._folder, self._membership))
            self._file = file
        return self._controller
