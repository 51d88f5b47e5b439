"""Where a slurmrestd is, and the token that opens it. Called by `restd` and by the command's wiring."""

import base64
import json
import re
import stat
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from sentinel.core.errors import UsageError

DEFAULT_SOCKETS = ("/run/slurmrestd/slurmrestd.socket", "/run/slurmrestd/slurmrestd.sock")
DEFAULT_PORT = 6820
_MOST_TOKEN = 16384
_TOKEN = re.compile(r"[A-Za-z0-9_.~+/=-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestAddress:
    """A Unix socket, or a host and port with or without TLS."""

    socket: str | None = None
    host: str = "localhost"
    port: int = DEFAULT_PORT
    tls: bool = False

    def __str__(self) -> str:
        if self.socket is not None:
            return f"unix://{self.socket}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    @property
    def private(self) -> bool:
        """Whether nobody on a network can listen in."""
        if self.socket is not None or self.tls or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def rest_address(text: str) -> RestAddress:
    """From unix:///PATH, http://HOST:PORT or https://HOST:PORT. UsageError for anything else."""
    wrong = UsageError(
        f"{text} is no address of slurmrestd; write unix:///PATH or http://HOST:{DEFAULT_PORT}"
    )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise wrong from None
    if parts.query or parts.fragment or parts.username is not None:
        raise wrong
    if parts.scheme == "unix" and not parts.netloc and parts.path.startswith("/"):
        return RestAddress(socket=parts.path)
    if parts.scheme in ("http", "https") and parts.hostname and parts.path in ("", "/"):
        tls = parts.scheme == "https"
        return RestAddress(host=parts.hostname, port=port or (443 if tls else DEFAULT_PORT), tls=tls)
    raise wrong


def read_jwt(path: Path) -> str:
    """The token in a file that holds it alone, or the line that `scontrol token` prints.

    Raises UsageError when everybody may read it, or it is none.
    """
    try:
        mode = path.stat().st_mode
        with path.open("rb") as file:
            text = file.read(_MOST_TOKEN + 1).decode("ascii", "replace").strip()
    except OSError as error:
        raise UsageError(f"the token file {path} cannot be read: {error.strerror}") from error
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        raise UsageError(f"everybody on this machine may read the token file {path}: chmod 600 {path}")
    token = text.removeprefix("SLURM_JWT=")
    if len(token) > _MOST_TOKEN or not _TOKEN.fullmatch(token):
        raise UsageError(f"{path} holds no token of Slurm: scontrol token username=USER > {path}")
    return token


def user_of(token: str) -> str | None:
    """Whom the token says that it is for; slurmrestd wants to be told that in a header as well."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims: Any = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return None
    user = cast("dict[str, Any]", claims).get("sun") if isinstance(claims, dict) else None
    return user if isinstance(user, str) and is_header(user) else None


def is_header(text: str) -> bool:
    """Whether it can be sent as the value of a header."""
    return bool(text) and text.isprintable() and text.isascii()
