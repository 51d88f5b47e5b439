"""Secrets and ids: how they look, and how they are made.

The API makes tokens and the ids of jobs, the controller its first admin's token; a machine reads the token
that it joins with.

    snt_<id>_<48 hex>                       opens the API (kinds api and session)
    snj_<id>_<48 hex>_<64 hex>              lets a machine join; the end is the SHA-256 of the controller's
                                            certificate authority, so that the machine knows whom it joins
    snc_<id>_<48 hex>                       begins one session in a browser, and opens nothing by itself

Only `sha256_of` a token is ever kept: it has 192 random bits, so nothing slower is needed.
"""

import hashlib
import os
import re

from sentinel.core.errors import UsageError
from sentinel.core.identity import TokenKind

ID_LENGTH = 10
ID_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base32: no i, l, o, u
_SECRET_BYTES = 24
_API = re.compile(rf"snt_([{ID_LETTERS}]{{{ID_LENGTH}}})_[0-9a-f]{{48}}")
_JOIN = re.compile(rf"snj_([{ID_LETTERS}]{{{ID_LENGTH}}})_[0-9a-f]{{48}}_([0-9a-f]{{64}})")


def new_id() -> str:
    """50 random bits, as ten letters that are hard to take for each other."""
    bits = int.from_bytes(os.urandom(7), "big")
    return "".join([ID_LETTERS[bits >> shift & 31] for shift in range(45, -1, -5)])


def new_token(kind: TokenKind, id: str, fingerprint: str = "") -> str:
    """A token of that kind. `fingerprint`, for a join token alone: SHA-256 of the authority, in hex."""
    secret = os.urandom(_SECRET_BYTES).hex()
    if kind is TokenKind.JOIN:
        token = f"snj_{id}_{secret}_{fingerprint}"
        parse_join(token)
        return token
    return f"{'snc' if kind is TokenKind.CODE else 'snt'}_{id}_{secret}"


def sha256_of(token: str) -> str:
    """What of a token is kept, and what it is found by."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def looks_like_token(text: str) -> bool:
    """Whether this could open the API, before anybody asks the store."""
    return _API.fullmatch(text) is not None


def parse_join(token: str) -> tuple[str, str]:
    """The id and the authority's fingerprint in a join token. UsageError when it is none."""
    found = _JOIN.fullmatch(token.strip())
    if found is None:
        raise UsageError(
            "this is no join token: one begins with snj_; an admin makes one with "
            "`sentinel token create --join`"
        )
    return found[1], found[2]
