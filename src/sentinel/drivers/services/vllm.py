"""vLLM's API, as far as it is needed to put it to sleep and wake it. Called by LadderedService.

    GET  /metrics                                  vllm:num_requests_running, vllm:num_requests_waiting
    POST /sleep?level=1|2                          1: weights to the CPU's memory; 2: weights are dropped
    GET  /is_sleeping                              {"is_sleeping": bool}; true until all of it is awake
    POST /wake_up[?tags=weights|kv_cache]
    POST /collective_rpc {"method": "reload_weights"}    after level 2, between the two tags

All but /metrics exist only with VLLM_SERVER_DEV_MODE=1, and do something only with --enable-sleep-mode.
Requests in flight are aborted by /sleep; those that come later wait, or fail, until it is awake again.
A CUDA context and what is outside its allocator's pool stay on the GPU (`may_keep` in the config).
"""

import re
import time
from http import HTTPStatus

from sentinel.core.errors import ServiceError
from sentinel.core.units import show_duration
from sentinel.drivers.services.loopback import Answer, Loopback

_COUNTS = re.compile(rb"^vllm:num_requests_(?:running|waiting)(?:\{[^\n]*\})?\s+([0-9.eE+-]+)", re.MULTILINE)
_POLL = 0.05
_HOW = "start it with --enable-sleep-mode and VLLM_SERVER_DEV_MODE=1 in its environment"


def count_requests(metrics: bytes) -> int | None:
    """Running and waiting requests in Prometheus' text format; None when it counts none."""
    counts = _COUNTS.findall(metrics)
    try:
        return round(sum(map(float, counts))) if counts else None
    except (ValueError, OverflowError):
        return None


class VllmApi:
    """A running vLLM. Every call blocks, for a bounded time, and raises ServiceError."""

    def __init__(self, address: Loopback) -> None:
        self._address = address

    def requests_in_flight(self) -> int | None:
        """Running and waiting requests, all engines together; None when it does not count them."""
        answer = self._address.ask("GET", "/metrics")
        return count_requests(answer.data) if answer.status == HTTPStatus.OK else None

    def is_sleeping(self) -> bool | None:
        """None when it was not started so that it could."""
        answer = self._address.ask("GET", "/is_sleeping")
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        asleep = answer.json().get("is_sleeping")
        if answer.status != HTTPStatus.OK or not isinstance(asleep, bool):
            raise ServiceError(f"GET /is_sleeping: {answer.words()}")
        return asleep

    def sleep(self, level: int, seconds: float) -> None:
        """Returns when it sleeps, `seconds` at most. Asleep already is fine, at whatever level."""
        deadline = time.monotonic() + seconds
        if self.is_sleeping():
            return
        self._order(f"/sleep?level={level}", deadline)
        self._await(asleep=True, deadline=deadline)

    def wake(self, *, reload_weights: bool, seconds: float) -> None:
        """Returns when it is awake, `seconds` at most. Awake already is fine.

        `reload_weights`: they were dropped (level 2), so they are read from the disk again. Harmless, only
        slower, when they were not.
        """
        deadline = time.monotonic() + seconds
        if reload_weights:
            self._order("/wake_up?tags=weights", deadline)
            self._order("/collective_rpc", deadline, {"method": "reload_weights"})
            self._order("/wake_up?tags=kv_cache", deadline)
        else:
            self._order("/wake_up", deadline)
        self._await(asleep=False, deadline=deadline)

    def _await(self, *, asleep: bool, deadline: float) -> None:
        """Older versions answer before it is done."""
        began = time.monotonic()
        while self.is_sleeping() is not asleep:
            if time.monotonic() > deadline:
                state = "awake" if asleep else "asleep"
                raise ServiceError(f"vLLM is still {state} after {show_duration(time.monotonic() - began)}")
            time.sleep(_POLL)

    def _order(self, path: str, deadline: float, body: object = None) -> None:
        left = max(0.1, deadline - time.monotonic())
        answer = self._address.ask("POST", path, body, seconds=left)
        if answer.status not in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
            raise ServiceError(_refusal(path, answer))


def _refusal(path: str, answer: Answer) -> str:
    if answer.status == HTTPStatus.NOT_FOUND:
        return f"vLLM has no {path.partition('?')[0]}: {_HOW}"
    if b"leep mode is not enabled" in answer.data:
        return f"vLLM's sleep mode is off: {_HOW}"
    return f"POST {path}: {answer.words()}"
