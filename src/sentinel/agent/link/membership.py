"""Which controller this node belongs to, and what it proves that with: the files in the node's folder.

    node.key, node.pem    its key, and the certificate that the controller gave it
    ca.pem                the controller's authority, whom alone it trusts
    controller.json       {"url", "node": ID, "name"}; written last: where it is, the node has joined

All are 0600 and replaced whole. Written when it joins, and node.pem when it is renewed.
"""

import hashlib
import json
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sentinel.client.connection import Connection
from sentinel.client.tls import client_context
from sentinel.core.atomic_file import replace_file
from sentinel.core.errors import SentinelError

KEY, CERTIFICATE, AUTHORITY, CONTROLLER = "node.key", "node.pem", "ca.pem", "controller.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """`node` is the id that the controller gave it, `name` what people call it."""

    url: str
    node: str
    name: str


def membership_in(folder: Path) -> Membership | None:
    """What this node has joined; None: nothing yet. SentinelError when the file cannot be used."""
    path = folder / CONTROLLER
    try:
        raw: Any = json.loads(path.read_bytes())
        found = cast("dict[str, Any]", raw)
        return Membership(url=str(found["url"]), node=str(found["node"]), name=str(found["name"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SentinelError(f"cannot read {path}: {error.strerror}; run as the user who joined") from None
    except (ValueError, KeyError, TypeError):
        raise SentinelError(f"{path} cannot be used; join again: sentinel agent join URL --token T") from None


def save_membership(folder: Path, membership: Membership) -> None:
    """Replaces the file. SentinelError when the disk will not."""
    document = {"url": membership.url, "node": membership.node, "name": membership.name}
    write(folder / CONTROLLER, json.dumps(document, indent=2).encode() + b"\n")


def write(path: Path, data: bytes) -> None:
    """One of the node's files, whole, for its owner alone. SentinelError when the disk will not."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(path, data, mode=0o600)
    except OSError as error:
        raise SentinelError(
            f"cannot write {path}: {error.strerror}; run as root, or name another folder (--node-dir)"
        ) from None


def fingerprint_of(ca_pem: str) -> str:
    """SHA-256 of the certificate, in hex. ValueError when there is none."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(ca_pem.strip())).hexdigest()


class Credentials:
    """Makes connections that prove who this node is, with the newest certificate. Thread-safe."""

    def __init__(self, folder: Path, membership: Membership) -> None:
        """SentinelError when the files are missing or do not belong together."""
        self.folder, self.membership = folder, membership
        self._lock = threading.Lock()
        self._context = self._read()
        self.generation = 0
        """Rises with each new certificate: connections of an older one may be left to end by themselves."""

    def renewed(self, certificate: bytes) -> None:
        """From now on with this one. SentinelError when it cannot be kept, or does not fit the key."""
        old = (self.folder / CERTIFICATE).read_bytes()
        write(self.folder / CERTIFICATE, certificate)
        try:
            context = self._read()
        except SentinelError:
            write(self.folder / CERTIFICATE, old)
            raise
        with self._lock:
            self._context = context
            self.generation += 1

    @property
    def context(self) -> ssl.SSLContext:
        """For TLS of any kind with the controller."""
        with self._lock:
            return self._context

    def connection(self, timeout: float) -> Connection:
        """A new one, for one thread."""
        return Connection(self.membership.url, context=self.context, timeout=timeout)

    def _read(self) -> ssl.SSLContext:
        try:
            return client_context(
                ca_file=self.folder / AUTHORITY,
                certificate=self.folder / CERTIFICATE,
                key=self.folder / KEY,
            )
        except SentinelError as error:
            raise SentinelError(
                f"{error.message}; join again: sentinel agent join {self.membership.url} --token T"
            ) from None
