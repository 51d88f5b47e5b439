"""Who may read the metrics, and how they travel: token, TLS, and where one of them is a must.

Called by `metrics_server` and by the agent's wiring, which reads the files that the config names.
"""

import ssl
import stat
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from sentinel.core.errors import UsageError

_LEAST_TOKEN, _MOST_TOKEN = 16, 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """A certificate chain and its key, in PEM."""

    certificate: Path
    key: Path


def read_token(path: Path) -> str:
    """The token in the file. Raises UsageError when others may read it, or it is none."""
    try:
        mode = path.stat().st_mode
        token = path.read_bytes()[: _MOST_TOKEN + 1].strip().decode("ascii")
    except OSError as error:
        raise UsageError(f"the token file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the token in {path} must be plain ASCII") from error
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        raise UsageError(f"everybody on this machine may read the token file {path}: chmod 600 {path}")
    if not _LEAST_TOKEN <= len(token) <= _MOST_TOKEN or not token.isprintable() or " " in token:
        raise UsageError(
            f"the token in {path} must be one word of at least {_LEAST_TOKEN} characters: "
            f"head -c 32 /dev/urandom | base64 > {path}"
        )
    return token


def check_listen(listen: tuple[str, int], *, token: str | None, tls: TlsFiles | None) -> None:
    """Raises UsageError where users' names would go out to the network in the open."""
    host, port = listen
    if not 0 <= port <= 65535:
        raise UsageError(f"{port} is no port; choose one from 1 to 65535")
    if token is None and tls is None and not _is_loopback(host):
        raise UsageError(
            f"metrics name users, so listening on {host or 'all addresses'} takes a token file, or a TLS "
            "certificate and key; without either, listen on 127.0.0.1"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """TLS 1.2 or newer. Raises UsageError when the files are no certificate and its key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(files.certificate, files.key)
    except (OSError, ssl.SSLError) as error:
        why = error.strerror or str(error)
        raise UsageError(f"{files.certificate} and {files.key} are no certificate and key: {why}") from error
    return context
