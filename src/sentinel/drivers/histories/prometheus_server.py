"""Asks a Prometheus over HTTP, with the standard library. Used by `prometheus`.

The token is read from its file at each question, so that it may be changed while we run; it is in no message,
and does not follow a redirection.
"""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from sentinel.core.errors import UsageError
from sentinel.ports.history import HistoryUnavailable

LONGEST_ANSWER = 256 * 2**20
_TOO_MUCH = ("exceeded maximum resolution", "too many samples", "too many points")


class PrometheusServer:
    """`url` as in https://prometheus.example:9090, a path may follow. UsageError when it is none."""

    def __init__(
        self, url: str, *, token_file: str | None = None, ca_file: str | None = None, timeout: float = 10.0
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise UsageError(f"{_shown(url)} is no address of Prometheus: write https://HOST:9090")
        if parts.username is not None:
            raise UsageError("no password belongs into Prometheus' address: name a file with a token")
        self._url, self._token_file, self._timeout = url.rstrip("/"), token_file, timeout
        try:
            context = ssl.create_default_context(cafile=ca_file)
        except OSError as error:
            raise UsageError(f"the certificates in {ca_file} cannot be read: {error}") from error
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )

    def ask(self, what: str, parameters: Mapping[str, str | list[str]]) -> Any:
        """The data that /api/v1/`what` answers. HistoryUnavailable, or UsageError when it was too much."""
        request = urllib.request.Request(  # noqa: S310  # http or https, see above
            f"{self._url}/api/v1/{what}",
            data=urlencode(parameters, doseq=True).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        )
        if self._token_file is not None:
            request.add_unredirected_header("Authorization", f"Bearer {_token(self._token_file)}")
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                body = answer.read(LONGEST_ANSWER + 1)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error) from None
        except (OSError, HTTPException) as error:
            why = getattr(error, "reason", None) or error
            raise HistoryUnavailable(
                f"Prometheus at {self._url} does not answer: {why}: is it up, and the address right?"
            ) from None
        if len(body) > LONGEST_ANSWER:
            raise UsageError("Prometheus' answer is too long: ask for fewer series or a longer step")
        return self._data(body)

    def _data(self, body: bytes) -> Any:
        try:
            found: Any = json.loads(body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or cast("dict[str, Any]", found).get("status") != "success":
            raise HistoryUnavailable(
                f"{self._url} does not answer as a Prometheus does: is that its address?"
            )
        return cast("dict[str, Any]", found).get("data")

    def _refusal(self, error: urllib.error.HTTPError) -> HistoryUnavailable | UsageError:
        if error.code in (401, 403):
            advice = "name a file with a token" if self._token_file is None else "is the token right?"
            return HistoryUnavailable(
                f"Prometheus at {self._url} lets nobody in (HTTP {error.code}): {advice}"
            )
        try:
            said = str(json.loads(error.read(65_536))["error"])[:300]
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            said = "it does not say why"
        if any(words in said for words in _TOO_MUCH):
            return UsageError(
                f"Prometheus finds that too much ({said}): ask for fewer series, or a longer step"
            )
        return HistoryUnavailable(f"Prometheus at {self._url} answers HTTP {error.code}: {said}")


def _token(path: str) -> str:
    try:
        token = Path(path).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise HistoryUnavailable(
            f"the token for Prometheus in {path} cannot be read: {_why(error)}"
        ) from None
    if not token or not token.isprintable():
        raise HistoryUnavailable(f"there is no token for Prometheus in {path}: one line of text is")
    return token


def _why(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or "unknown" if isinstance(error, OSError) else "it is not plain text"


def _shown(url: str) -> str:
    """Without what may be a password."""
    return repr(url.rpartition("@")[2][:200])
