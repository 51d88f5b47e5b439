"""Trusting a controller for the first time: its certificate authority, and whether it is the right one.

Called by `sentinel login`. The authority comes over a connection that proves nothing yet, so its SHA-256
is compared with one that the person has from elsewhere (`sentinel up` prints it), as with a new ssh host.
"""

import hashlib
import hmac
import re
import ssl
import sys

from sentinel.client.connection import Connection
from sentinel.core.errors import ApiError, UsageError


def authority_of(url: str, fingerprint: str | None) -> str:
    """Its certificate as PEM. UsageError unless it has that fingerprint, or the person says that it does."""
    pem = _fetched(url)
    found = _fingerprint_of(pem)
    if fingerprint is not None:
        if not hmac.compare_digest(found, _plain(fingerprint)):
            raise UsageError(
                f"the controller at {url} has another authority, {found}: either the fingerprint is of "
                "another one, or somebody is in between"
            )
    elif not _agreed(url, found):
        raise UsageError("not trusted; nothing was changed")
    return pem


def _fetched(url: str) -> str:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # what it says is believed by its fingerprint alone
    connection = Connection(url, context=context)
    try:
        pem = connection.ask("GET", "/api/v1/ca").json()["ca"]
    except (KeyError, TypeError):
        raise ApiError(f"{url} has no certificate authority", hint="is that a controller?") from None
    finally:
        connection.close()
    return str(pem)


def _fingerprint_of(pem: str) -> str:
    try:
        der = ssl.PEM_cert_to_DER_cert(pem)
    except ValueError:
        raise ApiError("what came is no certificate", hint="is that a controller?") from None
    return hashlib.sha256(der).hexdigest()


def _plain(fingerprint: str) -> str:
    return re.sub(r"[^0-9a-f]", "", fingerprint.lower().removeprefix("sha256:"))


def _agreed(url: str, found: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(
            f"the controller at {url} is not known yet; say --ca FILE (its pki/ca.pem), or "
            "--fingerprint SHA256, which `sentinel up` prints there"
        )
    print(
        f"The controller at {url} is not known yet. The SHA-256 of its authority is\n  {found}\n"
        "Is that what `sentinel up` printed there? Type yes: ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    return sys.stdin.readline().strip() == "yes"
