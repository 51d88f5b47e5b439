"""The beats of simulated nodes, over TLS with a certificate each, as agents send them. Called by `live`.

The controller's own authority is in the folder that is seeded, so no token is needed to join.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sentinel.client.connection import Connection
from sentinel.client.env_file import read_env_file
from sentinel.client.settings import URL
from sentinel.client.tls import client_context
from sentinel.core.errors import SentinelError
from sentinel.core.node import Node
from sentinel.server import wiring
from sentinel.server.folders import Folders

THREADS = 8
SECONDS = 20.0  # for one beat

Body = Mapping[str, Any]


class Beats:
    """A kept-alive connection a node. SentinelError where the controller's address is not known."""

    def __init__(self, folders: Folders, nodes: Sequence[Node]) -> None:
        url = read_env_file(folders.client_env)[URL]
        authority = wiring.authority(folders.pki)
        key, request = _key_and_request()
        self._connections: dict[str, Connection] = {}
        with tempfile.TemporaryDirectory(prefix="sentinel-seed-") as folder:
            key_file, certificate = Path(folder) / "node.key", Path(folder) / "node.pem"
            key_file.touch(0o600)
            key_file.write_bytes(key)
            for node in nodes:
                certificate.write_bytes(authority.issue_node(request, node.id, days=30))
                context = client_context(ca_file=folders.ca, certificate=certificate, key=key_file)
                self._connections[node.id] = Connection(url, context=context, timeout=SECONDS)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="beats")

    def send(self, nodes: Sequence[str], body: Callable[[str], Body]) -> list[str]:
        """A beat of each node (by its id), made when its turn comes; what went wrong, if anything."""

        def one(node: str) -> str | None:
            try:
                self._connections[node].ask("POST", "/api/v1/agent/beat", json=body(node))
            except SentinelError as error:
                return error.message
            return None

        return [wrong for wrong in self._threads.map(one, nodes) if wrong is not None]

    def close(self) -> None:
        self._threads.shutdown()
        for connection in self._connections.values():
            connection.close()


def _key_and_request() -> tuple[bytes, bytes]:
    """One key for all of them: they are one process."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulated")])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    return (
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain),
        request.public_bytes(serialization.Encoding.PEM),
    )
