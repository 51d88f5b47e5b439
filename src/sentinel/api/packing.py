"""Answers that go over the wire packed, where the asker takes that. Used for the dashboard and the fleet.

Only what is the same for everybody is packed: beside what an asker sends and may read, a packed secret could
be guessed by its length.
"""

import zlib
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from sentinel.api.answers import same

GZIP_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"  # what a gzip stream begins with (RFC 1952)
_LEVEL = 4


def packs(request: Request) -> bool:
    """Whether the asker takes gzip."""
    for one in request.headers.get("accept-encoding", "").lower().split(","):
        coding, _, weight = one.partition(";")
        if coding.strip() in ("gzip", "*") and weight.replace(" ", "").rstrip("0.") != "q=":
            return True
    return False


def pack(plain: bytes, level: int = _LEVEL) -> bytes:
    """As a whole gzip file; the same for the same."""
    packing = zlib.compressobj(level, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return packing.compress(plain) + packing.flush()


def block(plain: bytes) -> bytes:
    """As a part of any gzip stream, at any place after its head: it refers to nothing before it."""
    packing = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packing.compress(plain) + packing.flush(zlib.Z_FULL_FLUSH)


def answer(
    request: Request, body: bytes, packed: bytes | None, tag: str, media: str, headers: Mapping[str, str]
) -> Response:
    """One of both, or 304 when the asker has it. `tag`: what says which body it is."""
    use = packed if packed is not None and packs(request) else None
    etag = f'"{tag}"' if use is None else f'"{tag}-gzip"'
    head = {**headers, "ETag": etag, "Vary": "Accept-Encoding"}
    if same(request, etag):
        return Response(status_code=304, headers=head)
    if use is None:
        return Response(body, 200, head, media)
    return Response(use, 200, {**head, "Content-Encoding": "gzip"}, media)
