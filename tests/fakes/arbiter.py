"""An arbiter that only tells its status, for what reads it. A thread of the test's."""

import contextlib
import socket
import threading
from pathlib import Path
from typing import Any

from sentinel.core.codec import encode


class FakeArbiter:
    """Answers every message on the socket `path` with `status`; `asked` counts. `deaf`: it never answers."""

    def __init__(self, path: Path, status: dict[str, Any]) -> None:
        self.path, self.status = path, status
        self.asked = 0
        self.deaf = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o666)
        self._listener.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.asked += 1
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.recv(65536)
            if self.deaf:
                client.recv(65536)
            client.sendall(encode({"v": 1, "ok": True, "status": self.status}))

    def close(self) -> None:
        with contextlib.suppress(OSError):  # closed already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
