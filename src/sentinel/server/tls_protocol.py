"""HTTP connections that know which node is at their other end. Used by the API process.

uvicorn does not pass on what the TLS handshake found out. Here it becomes part of the connection's state,
which every request (and web socket) of it sees as `scope["state"]`: nobody else can write there.
"""

import ssl
from asyncio import Transport
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sentinel.api.peer import STATE_KEY, Peer
from sentinel.server.wiring import issued_at

MOST_HEAD = 64 * 1024  # bytes of a request's line and headers
_PREFIX = "node:"


class NodeProtocol(HttpToolsProtocol):
    """One connection."""

    _in_head = True
    _head = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        tls: Any = transport.get_extra_info("ssl_object")
        certificate: Any = None if tls is None else tls.getpeercert()
        self.app_state = {**self.app_state, STATE_KEY: peer_from(certificate)}

    def data_received(self, data: bytes) -> None:
        self._head += len(data)
        super().data_received(data)
        if self._in_head and self._head > MOST_HEAD and not self.transport.is_closing():
            self.transport.close()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head, self._head = True, 0
        super().on_message_complete()


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
