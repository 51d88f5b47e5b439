"""Becoming a node of a controller, once, by a join token. Called by `sentinel-agent`, for `join` and `run`.

The token ends in the fingerprint of the controller's authority. So the first thing that is fetched, over a
connection that nobody vouches for, is that authority; the token goes out only to a server that it signed.
"""

import ssl
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from sentinel.agent.link.membership import (
    AUTHORITY,
    CERTIFICATE,
    KEY,
    Credentials,
    Membership,
    fingerprint_of,
    membership_in,
    save_membership,
    write,
)
from sentinel.agent.link.validity import amiss
from sentinel.client.connection import Connection
from sentinel.core.clock import wall
from sentinel.core.errors import ApiError, ApiUnavailable, SentinelError, UsageError
from sentinel.core.secret import parse_join

_SECONDS = 15.0
_STILL_UP = "node-up"
_LONGEST_TOKEN = 4096


class Keys(Protocol):
    """Makes keys and requests for certificates. The wiring has it from a driver."""

    def new_key(self) -> bytes: ...

    def signing_request(self, key: bytes, common: str) -> bytes: ...

    def validity(self, certificate: bytes) -> tuple[float, float]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a machine tells of itself when it joins."""

    name: str
    boot_id: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """`already`: nothing had to be done."""

    membership: Membership
    already: bool = False


def read_token(path: Path) -> str:
    """The token in a file. UsageError when there is none."""
    try:
        text = path.read_bytes()[:_LONGEST_TOKEN].decode("ascii").strip()
    except OSError as error:
        raise UsageError(f"the token file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} holds no join token") from None
    parse_join(text)
    return text


def join(
    folder: Path, url: str, token: str, machine: Machine, keys: Keys, today: Callable[[], float] = wall
) -> Joined:
    """Joins the controller at `url`, unless this node is one of its nodes already, with a certificate that is
    good `today` (epoch). Raises SentinelError, in one line that says what to do."""
    _, fingerprint = parse_join(token)
    ca_pem = _authority(url, fingerprint)
    known = None if amiss(folder, keys, today()) else _still_a_node(folder, url, machine.name, fingerprint)
    if known is not None:
        return Joined(membership=known, already=True)
    key = _key(folder, keys)
    request = keys.signing_request(key, machine.name)
    answer = _ask(url, ca_pem, token, request, machine)
    try:
        membership = Membership(url=url, node=str(answer["node"]), name=machine.name)
        certificate = str(answer["certificate"]).encode("ascii")
    except (KeyError, TypeError, ValueError):
        raise SentinelError(
            f"the server at {url} answers like no controller; is the address right?"
        ) from None
    write(folder / AUTHORITY, ca_pem.encode("ascii"))
    write(folder / CERTIFICATE, certificate)
    save_membership(folder, membership)
    return Joined(membership=membership)


def joined_by_then(
    folder: Path,
    url: str,
    token_file: Path | None,
    machine: Machine,
    keys: Keys,
    trouble: Callable[[SentinelError], None],
    today: Callable[[], float] = wall,
) -> Membership:
    """For an agent that is started with its controller: joins it as soon as it answers, if need be.

    `trouble` hears why it does not work yet and waits before it returns. Raises SentinelError for what
    waiting would not mend, when there is no earlier membership to go on with.
    """
    while True:
        known = membership_in(folder)
        try:
            token = None if token_file is None else read_token(token_file)
        except UsageError:
            if known is None:
                raise
            token = None
        if token is None:
            if known is None:
                raise UsageError("to join a controller takes a token: --join-token-file F")
            return _moved(folder, known, url)
        try:
            return join(folder, url, token, machine, keys, today).membership
        except ApiUnavailable as error:
            if known is not None and _same_authority(folder, token):
                return _moved(folder, known, url)
            trouble(error)
        except SentinelError as error:
            if known is None or not _same_authority(folder, token):
                raise
            if isinstance(error, ApiError) and error.kind == _STILL_UP and amiss(folder, keys, today()):
                trouble(error)  # that is this very node, as it was before: soon it is silent
                continue
            return _moved(folder, known, url)  # a token that has ended, most likely: it is not needed


def _moved(folder: Path, known: Membership, url: str) -> Membership:
    """The same controller, under another address."""
    if known.url == url:
        return known
    moved = replace(known, url=url)
    save_membership(folder, moved)
    return moved


def _authority(url: str, fingerprint: str) -> str:
    """The controller's authority, PEM, once it is shown to be the one that the token names."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with closing(Connection(url, context=context, timeout=_SECONDS)) as connection:
        found: Any = connection.ask("GET", "/api/v1/ca").json()
    try:
        ca_pem = str(found["ca"]).strip() + "\n"
        matches = fingerprint_of(ca_pem) == fingerprint
        ca_pem.encode("ascii")
    except (KeyError, TypeError, ValueError):
        raise SentinelError(
            f"the server at {url} answers like no controller; is the address right?"
        ) from None
    if not matches:
        raise SentinelError(
            f"the server at {url} is not the one that made this token: its certificate authority is another. "
            "Is the address right? Nothing was sent to it"
        )
    return ca_pem


def _ask(url: str, ca_pem: str, token: str, request: bytes, machine: Machine) -> Any:
    context = ssl.create_default_context(cadata=ca_pem)
    body = {
        "token": token.strip(),
        "csr": request.decode("ascii"),
        "name": machine.name,
        "boot_id": machine.boot_id,
        "agent_version": machine.version,
    }
    with closing(Connection(url, context=context, timeout=_SECONDS)) as connection:
        return connection.ask("POST", "/api/v1/agent/join", json=body).json()


def _still_a_node(folder: Path, url: str, name: str, fingerprint: str) -> Membership | None:
    """What this machine has joined, when that is this controller, under this name, and it still knows us."""
    try:
        known = membership_in(folder)
        if known is None or known.name != name or _fingerprint(folder) != fingerprint:
            return None
        known = _moved(folder, known, url)
        with closing(Credentials(folder, known).connection(_SECONDS)) as connection:
            connection.ask("GET", "/api/v1/agent/desired?seen=0&wait=0")
    except ApiUnavailable:
        raise
    except ApiError as error:
        if error.status in (401, 403):
            return None
        raise
    except SentinelError:
        return None  # files that cannot be used: they are made anew
    return known


def _key(folder: Path, keys: Keys) -> bytes:
    """This node's key, made when there is none: it is kept for as long as the machine is, so that it always
    fits the certificate, whenever this is killed."""
    path = folder / KEY
    try:
        key = path.read_bytes()
        keys.signing_request(key, "probe")
    except (OSError, SentinelError):
        key = keys.new_key()
        write(path, key)
    return key


def _fingerprint(folder: Path) -> str | None:
    try:
        return fingerprint_of((folder / AUTHORITY).read_text())
    except (OSError, ValueError):
        return None


def _same_authority(folder: Path, token: str) -> bool:
    return _fingerprint(folder) == parse_join(token)[1]
