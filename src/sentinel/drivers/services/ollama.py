"""Ollama's API, as far as it is needed to get its models off the GPU and back. Called by LadderedService.

    GET  /api/ps                                        what is loaded: models [{name, size_vram, expires_at}]
    POST /api/generate {"model", "keep_alive": 0}       unloads, once no request uses the model
    POST /api/generate {"model", "keep_alive": SECONDS} loads; -1 keeps it for ever

Unloading ends the model's runner process, so all of its GPU memory comes back. A client that asks for the
model loads it again: nothing in Ollama prevents that, so the arbiter measures on and climbs the ladder.
"""

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sentinel.core.clock import wall
from sentinel.core.errors import ServiceError
from sentinel.core.units import show_duration
from sentinel.drivers.services.loopback import Loopback

_FOR_EVER = 10 * 365 * 86400.0  # what Ollama answers for keep_alive -1 is centuries away
_LEAST_KEPT = 60.0  # a model that was about to expire gets a chance to be used
_ASK_AGAIN = 1.0
_POLL = 0.05
_COMBINED = 16  # of so many models the best combination is looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model that /api/ps lists. `keep_seconds` until it would be unloaded; None: never."""

    name: str
    vram_bytes: int
    keep_seconds: float | None


def fewest_that_free(models: Sequence[LoadedModel], enough_bytes: int | None) -> tuple[LoadedModel, ...]:
    """The fewest models whose unloading frees `enough_bytes`, and of those choices the smallest.

    All of them when that is not enough, or when `enough_bytes` is None. Which GPU a model is on Ollama does
    not say, so on a machine with several this is a guess that the arbiter's measuring corrects.
    """
    ranked = sorted(models, key=lambda m: (-m.vram_bytes, m.name))
    if enough_bytes is None or sum(m.vram_bytes for m in ranked) <= enough_bytes:
        return tuple(ranked)
    sums = list(itertools.accumulate(m.vram_bytes for m in ranked))
    count = next(n for n, freed in enumerate([0, *sums]) if freed >= enough_bytes)
    choices = itertools.combinations(ranked[: max(count, _COMBINED)], count)
    sufficient = ((sum(m.vram_bytes for m in c), c) for c in choices)
    return min((s for s in sufficient if s[0] >= enough_bytes), key=lambda s: s[0])[1]


class OllamaApi:
    """A running Ollama. Every call blocks, for a bounded time, and raises ServiceError."""

    def __init__(self, address: Loopback) -> None:
        self._address = address

    def loaded(self) -> tuple[LoadedModel, ...]:
        """What it holds in memory now."""
        answer = self._address.ask("GET", "/api/ps")
        rows: Any = answer.json().get("models")
        if answer.status != 200 or not isinstance(rows, list):
            raise ServiceError(f"GET /api/ps: {answer.words()}; is that an Ollama on {self._address.port}?")
        found = (_model(row) for row in cast("list[Any]", rows))
        return tuple(model for model in found if model)

    def unload(self, models: Sequence[LoadedModel], seconds: float) -> None:
        """Unloads them, and returns once they are gone.

        One that is in use goes when its requests are done; ServiceError when that takes more than `seconds`.
        """
        names = {model.name for model in models}
        deadline = time.monotonic() + seconds
        asked_at = float("-inf")
        left = names
        while left:
            now = time.monotonic()
            if now > deadline:
                raise ServiceError(
                    f"still loaded {show_duration(seconds)} after the unload was asked for: "
                    f"{', '.join(sorted(left))} (a request uses it, or came again)"
                )
            if now - asked_at >= _ASK_AGAIN:  # again, as a new request may have taken the order back
                asked_at = now
                for name in sorted(left):
                    self._order(name, 0)
            left = names & {model.name for model in self.loaded()}
            if left:
                time.sleep(_POLL)

    def load(self, model: LoadedModel, seconds: float) -> None:
        """Loads it, to be kept for as long as it would have been; waits at most `seconds`."""
        keep = -1 if model.keep_seconds is None else max(_LEAST_KEPT, round(model.keep_seconds))
        self._order(model.name, keep, seconds)

    def _order(self, name: str, keep_alive: float, seconds: float = 10.0) -> None:
        body = {"model": name, "keep_alive": keep_alive, "stream": False}
        answer = self._address.ask("POST", "/api/generate", body, seconds=seconds)
        # 404: deleted while loaded. It cannot be named any more, and what is listed decides.
        if answer.status != 200 and not (answer.status == 404 and keep_alive == 0):
            verb = "unload" if keep_alive == 0 else "load"
            raise ServiceError(f"Ollama would not {verb} {name}: {answer.words()}")


def _model(row: Any) -> LoadedModel | None:
    if not isinstance(row, dict):
        return None
    said = cast("dict[str, Any]", row)
    name, vram = said.get("name") or said.get("model"), said.get("size_vram", said.get("size"))
    if not isinstance(name, str):
        return None
    return LoadedModel(
        name=name,
        vram_bytes=vram if isinstance(vram, int) else 0,
        keep_seconds=_keep_seconds(said.get("expires_at")),
    )


def _keep_seconds(expires_at: Any) -> float | None:
    try:
        left = datetime.fromisoformat(expires_at).timestamp() - wall()
    except (TypeError, ValueError, OverflowError, OSError):
        return 300.0  # what Ollama does unless told
    return None if left > _FOR_EVER else left
