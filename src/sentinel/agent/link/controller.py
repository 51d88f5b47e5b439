"""What this node asks of its controller, over one kept-alive connection a thread. Paths and shapes are those
of docs/queue.md. Each thread of the link has one of these."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from sentinel.agent.link.membership import Credentials
from sentinel.agent.link.report import Verdict
from sentinel.client.connection import Answer
from sentinel.core.errors import ProtocolError

_ROOT = "/api/v1/agent"
_SECONDS = 15.0
_NUDGE = 0.05


class Interruptible(Protocol):
    def interrupt(self) -> None: ...


class Controller:
    """For one thread, but for `interrupt`. Everything raises ApiError, ApiUnavailable among them, and
    ProtocolError for an answer that is none."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._generation: int = credentials.generation
        self._connection = credentials.connection(_SECONDS)

    def desired(self, seen: int, wait: float) -> Any:
        """What is wanted here, as it came; within `wait` seconds unless it is other than at `seen`."""
        return self._ask("GET", f"/desired?seen={seen}&wait={wait:g}", timeout=wait + _SECONDS).json()

    def report(self, bodies: Sequence[Mapping[str, Any]]) -> list[Verdict]:
        """Tells what happened: what the controller says to each."""
        answer = self._object(self._ask("POST", "/reports", json={"reports": bodies}))
        try:
            return [Verdict(one) for one in answer["results"]]
        except (KeyError, TypeError, ValueError):
            raise _strange("reports") from None

    def beat(self, body: Mapping[str, Any]) -> tuple[float, list[str]]:
        """A sign of life: how long leases last, and tokens among those named that are no leases."""
        answer = self._object(self._ask("POST", "/beat", json=body))
        try:
            return float(answer["lease_seconds"]), [str(one) for one in answer["unknown"]]
        except (KeyError, TypeError, ValueError):
            raise _strange("a beat") from None

    def renew(self, request: bytes) -> bytes:
        """A new certificate for that request, both PEM."""
        answer = self._object(self._ask("POST", "/renew", json={"csr": request.decode("ascii")}))
        try:
            return str(answer["certificate"]).encode("ascii")
        except (KeyError, ValueError):
            raise _strange("a renewal") from None

    def log(self, job: str, attempt: int, offset: int, data: bytes, *, complete: bool) -> int:
        """Part of a log: its size at the controller from then on."""
        end = "&complete=true" if complete else ""
        path = f"/logs/{job}/{attempt}?offset={offset}{end}"
        headers = {"Content-Type": "application/octet-stream"}
        answer = self._object(self._ask("POST", path, body=data, headers=headers))
        try:
            return int(answer["size"])
        except (KeyError, TypeError, ValueError):
            raise _strange("a log") from None

    def samples(self, batch: bytes) -> bool:
        """What was measured: whether the controller has that from elsewhere, and wants no more of it."""
        headers = {"Content-Type": "application/octet-stream"}
        answer = self._object(self._ask("POST", "/samples", body=batch, headers=headers))
        try:
            return int(answer["elsewhere"]) > 0
        except (KeyError, TypeError, ValueError):
            raise _strange("samples") from None

    def interrupt(self) -> None:
        """From another thread: whoever waits for an answer gets ApiUnavailable now."""
        self._connection.interrupt()

    def close(self) -> None:
        self._connection.close()

    def _ask(self, method: str, path: str, **more: Any) -> Answer:
        if self._credentials.generation != self._generation:
            self._connection.close()
            self._generation = self._credentials.generation
            self._connection = self._credentials.connection(_SECONDS)
        return self._connection.ask(method, _ROOT + path, **more)

    @staticmethod
    def _object(answer: Answer) -> Mapping[str, Any]:
        found = answer.json()
        return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def ended(thread: threading.Thread, controller: Interruptible, seconds: float = 1.0) -> None:
    """Waits for a thread that was told to end, and sees to it that it does not wait for the controller.
    One that hangs all the same is left behind."""
    for _ in range(round(seconds / _NUDGE)):
        if not thread.is_alive():
            return
        # More than once: what breaks between two requests is tried again.
        controller.interrupt()
        thread.join(_NUDGE)


def _strange(what: str) -> ProtocolError:
    return ProtocolError(f"the controller's answer to {what} cannot be understood; is it of another version?")
