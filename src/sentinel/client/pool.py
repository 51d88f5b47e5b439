"""Kept-alive connections, so that any number of threads can ask at the same time. Called by `client.sync`."""

import ssl
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager

from sentinel.client.connection import Connection
from sentinel.client.settings import Settings
from sentinel.client.tls import client_context
from sentinel.core.errors import UsageError

_KEPT = 64  # idle ones; more threads than that make new ones


class Pool:
    """Lends connections; the one that came back last goes first, for it is the least likely to be closed."""

    def __init__(self, settings: Settings, *, timeout: float, context: ssl.SSLContext | None = None) -> None:
        self._settings, self._timeout = settings, timeout
        self.context = client_context(ca_file=settings.ca) if context is None else context
        self._closed = False
        self._lent: set[Connection] = set()
        self._idle: deque[Connection] = deque(maxlen=_KEPT)  # append and pop need no lock

    @contextmanager
    def connection(self) -> Generator[Connection]:
        """One for this thread alone."""
        if self._closed:
            raise UsageError("this client is closed")
        try:
            lent = self._idle.pop()
        except IndexError:
            lent = self._new()
        self._lent.add(lent)
        try:
            yield lent
        finally:
            self._lent.discard(lent)
            if len(self._idle) < _KEPT and not self._closed:
                self._idle.append(lent)
            else:
                lent.close()

    def twin(self) -> "Pool":
        """Another for the same controller."""
        return Pool(self._settings, timeout=self._timeout, context=self.context)

    def close(self) -> None:
        """Lends no more, and whoever waits for an answer on one that is lent waits no longer. Idempotent."""
        self._closed = True
        for lent in tuple(self._lent):
            lent.interrupt()
        while self._idle:
            self._idle.pop().close()

    def _new(self) -> Connection:
        token = self._settings.token
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return Connection(self._settings.url, context=self.context, headers=headers, timeout=self._timeout)
