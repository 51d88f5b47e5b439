"""A cluster by its slurmrestd: nodes, jobs and diag, in whichever version of its interface it speaks.

Called by the command's wiring. Which version that is, is found out by asking for nodes from the newest known
to the oldest, and remembered for as long as it answers: /slurm/v0.0.N/nodes. What differs between versions
is in `json_answer`. The token is read anew for each look, since tokens expire and are replaced.
"""

import http.client
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, assert_never

from sentinel.core import clock
from sentinel.core.errors import SourceAbsent, SourceUnknown, UsageError
from sentinel.core.slurm import Asked, Part, SlurmReading
from sentinel.core.units import show_duration
from sentinel.drivers.slurm import json_answer
from sentinel.drivers.slurm.asking import read_all
from sentinel.drivers.slurm.rest_address import RestAddress, is_header, read_jwt, user_of
from sentinel.drivers.slurm.rest_http import TooLate, TooLong, get

NAME = "restd"
ANSWER_SECONDS = 10.0
OLDEST, NEWEST = 38, 46
"""v0.0.38 (Slurm 22.05) to two beyond the newest that has been seen (v0.0.44, Slurm 25.11)."""

_PATHS = {Part.NODES: "nodes", Part.JOBS: "jobs", Part.SCHEDULER: "diag"}
_VERSION = re.compile(r"v0\.0\.(\d{1,3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestAccess:
    """Who asks. `user` may be left out: the token names one. `authorities`: a PEM file, for https."""

    token_file: Path | None = None
    user: str | None = None
    authorities: Path | None = None


class RestSource:
    """Implements ports.slurm.SlurmSource. `timeout`, in seconds, is for a whole look.

    Raises UsageError for a token that is none or would go over the network in the open, and for a version
    that is none. When the token's file becomes unreadable later, looks fail until it is back.
    """

    def __init__(
        self,
        address: RestAddress,
        access: RestAccess | None = None,
        *,
        version: str | None = None,
        timeout: float = ANSWER_SECONDS,
        now: Callable[[], float] = clock.boottime,
    ) -> None:
        self._address, self._access = address, access or RestAccess()
        if self._access.token_file is not None and not address.private:
            raise UsageError(f"a token would go to {address} in the open; use https:// or a Unix socket")
        if version is not None and not _VERSION.fullmatch(version):
            raise UsageError(f"{version} is no version of slurmrestd's interface; they look like v0.0.42")
        if self._access.user is not None and not is_header(self._access.user):
            raise UsageError("the user that asks slurmrestd must be a plain name")
        self._tls = _tls(self._access.authorities) if address.tls else None
        if self._access.token_file is not None:
            read_jwt(self._access.token_file)  # so that a wrong one is told of at once
        self._fixed, self._found = version, version
        self._timeout, self._now = timeout, now
        self._until = 0.0

    def read(self) -> SlurmReading:
        try:
            headers = self._headers()
        except UsageError as error:
            return SlurmReading(
                asked=tuple(Asked(source=NAME, part=part, error=error.message) for part in Part)
            )
        self._until = self._now() + self._timeout
        return read_all(NAME, lambda part: self._part(part, headers))

    def _headers(self) -> Mapping[str, str]:
        headers = {"Accept": "application/json"}
        user = self._access.user
        if self._access.token_file is not None:
            token = headers["X-SLURM-USER-TOKEN"] = read_jwt(self._access.token_file)
            user = user or user_of(token)
        if user is not None:
            headers["X-SLURM-USER-NAME"] = user
        return headers

    def _part(self, part: Part, headers: Mapping[str, str]) -> tuple[Any, str | None]:
        body = self._body(part, headers)
        try:
            answer = json_answer.parsed(body)
            return _understood(part, answer), json_answer.version_from(answer)
        except ValueError as error:
            raise self._unknown(f"of {part}: {error}") from None

    def _body(self, part: Part, headers: Mapping[str, str]) -> bytes:
        if self._found is not None:
            status, body = self._get(self._found, part, headers)
            upgraded = status == HTTPStatus.NOT_FOUND and part is Part.NODES and self._fixed is None
            if not upgraded:
                return self._checked(status, body, part)
            self._found = None
        for number in range(NEWEST, OLDEST - 1, -1):
            version = f"v0.0.{number}"
            status, body = self._get(version, part, headers)
            if status != HTTPStatus.NOT_FOUND:
                good = self._checked(status, body, part)
                self._found = version
                return good
        raise self._unknown(
            f"it serves none of v0.0.{OLDEST} to v0.0.{NEWEST}; start slurmrestd with -s openapi/slurmctld "
            "(or, before Slurm 23.11, -s openapi/v0.0.38)"
        )

    def _get(self, version: str, part: Part, headers: Mapping[str, str]) -> tuple[int, bytes]:
        path = f"/slurm/{version}/{_PATHS[part]}"
        try:
            return get(self._address, path, headers, until=self._until, now=self._now, tls=self._tls)
        except FileNotFoundError:
            raise SourceAbsent(
                f"slurmrestd: there is no {self._address.socket} here; is slurmrestd running? "
                "Say where it listens with --restd"
            ) from None
        except ConnectionRefusedError:
            raise SourceAbsent(f"slurmrestd: nobody listens at {self._address}; is it running?") from None
        except PermissionError:
            raise self._unknown("this user may not open its socket") from None
        except TooLate:
            raise self._unknown(f"no answer within {show_duration(self._timeout)}; try --timeout") from None
        except TooLong:
            raise self._unknown(f"its answer about {part} does not end") from None
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise self._unknown(why) from error

    def _checked(self, status: int, body: bytes, part: Part) -> bytes:
        if status == HTTPStatus.OK:
            return body
        said = _said(body)
        refused = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED)
        if status in refused or "uthentication" in said:
            raise self._unknown(
                f"it does not let us in (HTTP {status}: {said}); name a file with a valid token: "
                "scontrol token username=USER lifespan=SECONDS, --token-file FILE"
            )
        raise self._unknown(f"HTTP {status} for {part}: {said}")

    def _unknown(self, why: str) -> SourceUnknown:
        return SourceUnknown(f"slurmrestd at {self._address}: {why}")


def _understood(part: Part, answer: Mapping[str, Any]) -> Any:
    match part:
        case Part.NODES:
            return json_answer.nodes_from(answer)
        case Part.JOBS:
            return json_answer.jobs_from(answer)
        case Part.SCHEDULER:
            return json_answer.scheduler_from(answer)
    assert_never(part)


def _said(body: bytes) -> str:
    """What an answer that is none says, in one line."""
    try:
        json_answer.parsed(body)
    except ValueError as error:
        told = str(error)
        if told.startswith("it says: "):
            return told.removeprefix("it says: ")
    return " ".join(body[:200].decode("utf-8", "replace").split()) or "nothing"


def _tls(authorities: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authorities)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"{authorities} holds no certificates in PEM: {error}") from error
