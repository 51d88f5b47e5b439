"""Someone who never looks away: every state that a service passes through and every reading that is made.

Called by the tests that must show that nothing happened.
"""

import threading
import time
from contextlib import suppress
from typing import Any

from tests.e2e.workstation import Client, Workstation


class Onlooker:
    """Listens to the watch stream, and asks for the status all the time, which costs no reading."""

    def __init__(self, workstation: Workstation, service: str = "chat") -> None:
        self._service = service
        self._over = threading.Event()
        self.watched: list[str] = []
        self.asked: list[str] = []
        self.readings: set[str] = set()
        self.began = time.monotonic()
        self._client, self._watcher = workstation.connect(), workstation.connect()
        self._threads = [threading.Thread(target=work) for work in (self._ask, self._watch)]
        for thread in self._threads:
            thread.start()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def states(self) -> set[str]:
        """Every state the service was seen in; both ways of looking have seen something."""
        assert self.watched, "the watch stream said nothing"
        assert self.asked, "no status came"
        return {*self.watched, *self.asked}

    def close(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(5)
        self._client.close()
        self._watcher.close()

    def _ask(self) -> None:
        with suppress(OSError):
            while not self._over.wait(0.008):
                status = self._client.ask({"v": 1, "cmd": "status"})["status"]
                self.asked.append(self._state(status))
                self.readings.add(status["gpus"][0]["read_at"])

    def _watch(self) -> None:
        with suppress(OSError):
            self._listen(self._watcher)

    def _listen(self, client: Client) -> None:
        client.send({"v": 1, "cmd": "watch"})
        while not self._over.is_set() and (message := client.receive()):
            self.watched.append(self._state(message["status"]))

    def _state(self, status: dict[str, Any]) -> str:
        return next(s["state"] for s in status["services"] if s["name"] == self._service)

    def __enter__(self) -> "Onlooker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
