"""HTTP connections that know which node is at their other end. Used by the API process.

uvicorn does not pass on what the TLS handshake found out. Here it becomes part of the connection's state,
which every request (and web socket) of it sees as `scope["state"]`: nobody else can write there. And requests
have an end, in bytes and in time: who sends one for ever, or none, loses the connection.
"""

import ssl
from asyncio import TimerHandle, Transport
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sentinel.api.peer import STATE_KEY, Peer
from sentinel.server.wiring import issued_at

MOST_HEAD = 64 * 1024  # bytes of a request's line and headers
MOST_REQUEST = 8 << 20  # bytes of all of it; what is answered with more than "too big" is a mebibyte
ARRIVES_WITHIN = 60.0  # seconds from its beginning, or the connection's, to its end
_PREFIX = "node:"


class NodeProtocol(HttpToolsProtocol):
    """One connection."""

    _in_head = True
    _size = 0
    _late: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        tls: Any = transport.get_extra_info("ssl_object")
        certificate: Any = None if tls is None else tls.getpeercert()
        self.app_state = {**self.app_state, STATE_KEY: peer_from(certificate)}
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._size += len(data)
        self._expect()
        super().data_received(data)
        most = MOST_HEAD if self._in_head else MOST_REQUEST
        if self._size > most and not self.transport.is_closing():
            self.transport.abort()  # to close it in order would be to go on reading

    def on_message_begin(self) -> None:
        self._expect()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head, self._size = True, 0
        self._arrived()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._arrived()
        super().handle_websocket_upgrade()

    def _expect(self) -> None:
        """All of a request, from now on."""
        if self._late is None:
            self._late = self.loop.call_later(ARRIVES_WITHIN, self._cut_off)

    def _arrived(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _cut_off(self) -> None:
        self._late = None
        self.transport.abort()


def peer_from(certificate: Any) -> Peer | None:
    """The node in what `SSLObject.getpeercert` gave; None when it is no node's."""
    if not certificate:
        return None
    found = cast("dict[str, Any]", certificate)
    names = [value for part in found.get("subject", ()) for key, value in part if key == "commonName"]
    if len(names) != 1 or not names[0].startswith(_PREFIX):
        return None
    return Peer(
        node=names[0].removeprefix(_PREFIX),
        issued_at=issued_at(int(found["serialNumber"], 16)),
        ends_at=float(ssl.cert_time_to_seconds(found["notAfter"])),
    )
