"""Where the controller listens, and under which names it is reached. Called by server and up."""

import errno
import ipaddress
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from sentinel.core.errors import SentinelError, UsageError

BACKLOG = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """`host` is a name or an address, without brackets."""

    host: str
    port: int

    @property
    def everywhere(self) -> bool:
        """It is reached under every address of the machine."""
        return self.host in ("0.0.0.0", "::", "")  # noqa: S104 - asked for by who starts it

    @property
    def local(self) -> bool:
        """Other machines cannot reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def address_from(text: str) -> Address:
    """HOST:PORT, also [::1]:PORT. UsageError."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not colon or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"{text!r} is no address to listen on; write HOST:PORT, like 127.0.0.1:8443")
    return Address(host=host or "0.0.0.0", port=int(port))  # noqa: S104 - `:8443` means everywhere


def listen(address: Address) -> socket.socket:
    """A listening socket. SentinelError, in one line, when the port is taken."""
    where = f"{address.host}:{address.port}"
    try:
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, target = found[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise UsageError(f"cannot listen on {where}: {error.strerror}") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(target)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise SentinelError(
                f"{where} is taken by another program; choose another port with --listen"
            ) from None
        if error.errno == errno.EACCES:
            raise SentinelError(f"only root may listen on {where}; choose a port above 1023") from None
        raise SentinelError(
            f"cannot listen on {where}: {error.strerror}; choose another address with --listen"
        ) from None
    return listener


def certified_names(address: Address, names: Sequence[str]) -> list[str]:
    """Under which names and addresses the server proves itself: those given first."""
    found = [*names]
    if not address.everywhere:
        found.append(address.host)
    elif (outward := _outward()) is not None:
        found.append(outward)
    found += [os.uname().nodename, "localhost", "127.0.0.1", "::1"]
    return list(dict.fromkeys(name.lower() for name in found if _fits(name)))


def url_here(address: Address, port: int) -> str:
    """For clients of this machine."""
    host = "127.0.0.1" if address.everywhere else address.host
    return f"https://{_bracketed(host)}:{port}"


def url_elsewhere(address: Address, port: int, names: Sequence[str]) -> str:
    """For other machines."""
    host = next(iter(names), None) or (os.uname().nodename if address.everywhere else address.host)
    return f"https://{_bracketed(host)}:{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _outward() -> str | None:
    """The address that others see. Sends nothing: a datagram socket is only given a direction."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
    except OSError:
        return None


def _fits(name: str) -> bool:
    """Whether a certificate can say it."""
    return bool(name) and name.isascii() and len(name) < 254 and " " not in name
