"""`sentinel login`: a token for this user, written where every other command finds it. Called by `cli.app`.

The JSON: {"url", "user", "role", "expires_at", "file"}.
"""

import getpass
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from sentinel.cli.controller import note, print_json, saying
from sentinel.cli.jobs.options import AsJson
from sentinel.cli.local.duration_text import clock_text
from sentinel.cli.people.password import asked_password
from sentinel.cli.people.trust import authority_of
from sentinel.cli.plain import one_line
from sentinel.client.env_file import env_text
from sentinel.client.settings import CA, TOKEN, URL, Settings, checked_url, client_env_file, find_settings
from sentinel.client.sync import Client
from sentinel.core.atomic_file import replace_file
from sentinel.core.errors import ApiUnavailable, SentinelError, UsageError
from sentinel.core.timestamp import epoch


def command(
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="https://HOST:PORT; else the one known so far.")
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", "-u", metavar="NAME", help="Else as you are called here.")
    ] = None,
    ca: Annotated[
        Path | None, typer.Option("--ca", metavar="FILE", help="The controller's pki/ca.pem.")
    ] = None,
    fingerprint: Annotated[
        str | None,
        typer.Option(
            "--fingerprint", metavar="SHA256", help="That of its authority, as sentinel up prints it."
        ),
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="The password is the first line of stdin.")
    ] = False,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="No password: a token is the first line of stdin.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Log in to a controller, and remember it for all other commands, in ~/.config/sentinel/client.env."""
    if password_stdin and token_stdin:
        raise UsageError("--password-stdin and --token-stdin exclude each other")
    if ca is not None and fingerprint is not None:
        raise UsageError("--ca and --fingerprint exclude each other")
    known = _known(url)
    address = known.url
    authority = _authority(known, ca, fingerprint)
    if token_stdin:
        found = _by_token(address, authority)
    else:
        found = _by_password(address, authority, user, password_stdin)
    file = _written(address, found["token"], authority)
    if as_json:
        told = ("user", "role", "expires_at")
        print_json({"url": address, **{key: found.get(key) for key in told}, "file": str(file)})
        return
    end = epoch(found["expires_at"]) if found.get("expires_at") else None
    until = "" if end is None else f", until {clock_text(end)}"
    print(f"{one_line(found['user'])}, {found['role']}, at {address}{until}; remembered in {file}")
    if os.environ.get(URL, address).rstrip("/") != address:
        note(f"{URL} is set here to another controller, and goes before that file: unset {URL}")


def _known(url: str | None) -> Settings:
    """What is known of the controller at `url`, or of the one that is used so far."""
    try:
        known = find_settings(needs_token=False)
    except UsageError:
        if url is None:
            raise UsageError("which controller? sentinel login --url https://HOST:PORT") from None
        return Settings(url=checked_url(url))
    if url is None or checked_url(url) == known.url:
        return known
    return Settings(url=checked_url(url))


def _authority(known: Settings, given: Path | None, fingerprint: str | None) -> str | None:
    """The file with the certificates to trust; None: those that the system trusts."""
    if given is not None:
        try:
            return _kept(known.url, given.read_text())
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--ca {given}: {getattr(error, 'strerror', None) or 'no text'}") from None
    if fingerprint is None:
        if known.ca is not None:
            return known.ca
        with suppress(ApiUnavailable), Client(known.url) as client:
            client.health()
            return None
    return _kept(known.url, authority_of(known.url, fingerprint))


def _kept(url: str, pem: str) -> str:
    parts = urlsplit(url)
    name = re.sub(r"[^A-Za-z0-9.-]", "_", f"{parts.hostname}-{parts.port or 443}")
    return str(_put(client_env_file().with_name(f"{name}.pem"), pem))


def _by_password(address: str, authority: str | None, user: str | None, from_stdin: bool) -> dict[str, Any]:
    name = user or getpass.getuser()
    password = asked_password(f"Password of {one_line(name)} at {address}: ", from_stdin=from_stdin)
    with Client(address, ca=authority) as client, saying(f"waiting for {address}"):
        return client.login(name, password)


def _by_token(address: str, authority: str | None) -> dict[str, Any]:
    token = sys.stdin.readline().strip()
    if not token:
        raise UsageError("stdin has no token: its first line is to be one")
    with Client(address, token=token, ca=authority) as client, saying(f"waiting for {address}"):
        return {**client.whoami(), "token": token}


def _written(address: str, token: str, authority: str | None) -> Path:
    values = {URL: address, TOKEN: token}
    if authority is not None:
        values[CA] = authority
    return _put(client_env_file(), env_text(values))


def _put(path: Path, text: str) -> Path:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(path, text.encode())
    except OSError as error:
        raise SentinelError(f"{path} cannot be written: {error.strerror}") from None
    return path
