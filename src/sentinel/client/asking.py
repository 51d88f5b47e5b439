"""How the SDK asks: connections, patience, lists page after page. The base of `Client` and of its calls.

Called by `client.sync`, `client.jobs` and `client.accounts`, whose methods are one `_ask` or `_all` each.
"""

import ssl
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode

from sentinel.client.calls import MOST_ITEMS, Call
from sentinel.client.connection import Answer, Stream
from sentinel.client.patience import Patience
from sentinel.client.pool import Pool
from sentinel.client.settings import Settings, checked_url, find_settings
from sentinel.core.errors import ApiError

Json = dict[str, Any]

_STREAM_SECONDS = 60.0  # a silent stream of events has a comment every 15
_LOG_SECONDS = 7 * 86400.0  # a job may print nothing for days; TCP itself sees that the other side is gone
_REMEMBERED = 16


class Asking:
    """Without arguments as the environment says (`client.settings`).

    `timeout`: seconds for each answer. `patience`: for how long calls that may be repeated are, and streams
    are resumed, while a controller that had answered does not (it is restarted, say).
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        ca: str | None = None,
        timeout: float = 30.0,
        patience: float = 60.0,
    ) -> None:
        found = find_settings() if url is None else Settings(url=checked_url(url), token=token, ca=ca)
        self._set_up(found, Pool(found, timeout=timeout), patience)

    def _set_up(self, settings: Settings, pool: Pool, patience: float) -> None:
        self.settings = settings
        self._pool, self._patience = pool, patience
        self._known = False
        self._lists: OrderedDict[str, tuple[str, Any]] = OrderedDict()  # path -> ETag, answer

    def close(self) -> None:
        """Lets go of its connections; calls that another thread waits for fail. Idempotent."""
        self._pool.close()

    @property
    def tls(self) -> ssl.SSLContext:
        """For whoever opens a connection of another kind: a job's terminal is a web socket."""
        return self._pool.context

    def twin(self) -> Self:
        """One with the same settings and connections of its own."""
        other = type(self).__new__(type(self))
        other._set_up(self.settings, self._pool.twin(), self._patience)
        return other

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ inside

    @contextmanager
    def event_stream(self, call: Call) -> Generator[Stream]:
        """The raw stream; for `events` and `wait`."""
        with (
            self._pool.connection() as connection,
            connection.stream(call.method, call.path, headers=call.headers, timeout=_STREAM_SECONDS) as found,
        ):
            self._known = True
            yield found

    @contextmanager
    def log_stream(self, call: Call) -> Generator[Stream]:
        """The raw stream; for `logs`."""
        with (
            self._pool.connection() as connection,
            connection.stream(call.method, call.path, headers=call.headers, timeout=_LOG_SECONDS) as found,
        ):
            self._known = True
            yield found

    def new_patience(self) -> Patience:
        """For one call or stream."""
        return Patience(self._patience, known=self._known)

    def _ask(self, call: Call) -> Any:
        answer = self._answer(call)
        return answer.json() if answer.body else None

    def _answer(self, call: Call) -> Answer:
        try:
            return self._once(call)
        except ApiError as error:
            if not (error.retry and call.repeatable):
                raise
            return self._again(call, error)

    def _again(self, call: Call, error: ApiError) -> Answer:
        patience = self.new_patience()
        while True:
            patience.wait(error)
            try:
                return self._once(call)
            except ApiError as again:
                if not again.retry:
                    raise
                error = again

    def _once(self, call: Call) -> Answer:
        with self._pool.connection() as connection:
            answer = connection.ask(call.method, call.path, json=call.json, headers=call.headers)
        self._known = True
        return answer

    def _all(self, call: Call, limit: int | None) -> list[Json]:
        """The items of a list, page after page."""
        found: list[Json] = []
        after: str | None = None
        while limit is None or len(found) < limit:
            size = MOST_ITEMS if limit is None else min(MOST_ITEMS, limit - len(found))
            page = self._page(_page_path(call.path, size, after))
            found += page["items"]
            after = page.get("next")
            if after is None:
                break
        return found if limit is None else found[:limit]

    def _page(self, path: str) -> Json:
        """One page; one that has not changed since it was last read is not sent again."""
        known = self._lists.get(path)
        headers = None if known is None else {"If-None-Match": known[0]}
        answer = self._answer(Call(method="GET", path=path, headers=headers, repeatable=True))
        if answer.status == 304 and known is not None:
            return known[1]
        page: Json = answer.json()
        if (tag := answer.headers.get("etag")) is not None:
            self._lists[path] = (tag, page)
            while len(self._lists) > _REMEMBERED:
                self._lists.popitem(last=False)
        return page


def _page_path(path: str, size: int, after: str | None) -> str:
    before, _, query = path.partition("?")
    pairs = [*parse_qsl(query), ("limit", str(size))]
    if after is not None:
        pairs = [(name, value) for name, value in pairs if name != "after"] + [("after", after)]
    return f"{before}?{urlencode(pairs)}"
