"""The one place of the server that names drivers."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sentinel.ports.store import Store

if TYPE_CHECKING:
    from sentinel.drivers.certificates.authority import Authority


def open_queue(url: str, *, migrate: bool) -> Store:
    """The store at `url`. `migrate`: for the one process that does that, before all others."""
    from sentinel.drivers.stores.opening import open_store

    return open_store(url, migrate=migrate)


def authority(pki: Path) -> "Authority":
    """The controller's certificate authority, made the first time."""
    from sentinel.drivers.certificates.authority import open_authority

    return open_authority(pki)


def certify_server(pki: Path, names: Sequence[str]) -> "Authority":
    """The authority, and a server certificate for these names beside it."""
    from sentinel.drivers.certificates.authority import open_authority, server_files

    found = open_authority(pki)
    server_files(found, pki, names)
    return found


def issued_at(serial: int) -> float:
    """When the certificate of that serial number was issued, epoch."""
    from sentinel.drivers.certificates.authority import issued_at as told

    return told(serial)
