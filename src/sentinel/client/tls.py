"""Whom a client of the controller trusts, and how it proves who it is. Called by the SDK and by the agent."""

import ssl
from pathlib import Path

from sentinel.core.errors import UsageError


def client_context(
    *, ca_file: str | Path | None = None, certificate: str | Path | None = None, key: str | Path | None = None
) -> ssl.SSLContext:
    """A context that checks the controller's certificate: against `ca_file` alone, or against the system's
    authorities when there is none. `certificate` and `key` are a node's own. UsageError if one is unfit."""
    try:
        context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except OSError as error:
        raise UsageError(f"SENTINEL_CA: {ca_file} cannot be used: {_why(error)}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate is not None:
        try:
            context.load_cert_chain(str(certificate), None if key is None else str(key))
        except OSError as error:
            raise UsageError(f"{certificate} and {key} cannot be used: {_why(error)}") from None
    return context


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "it holds no certificate in PEM form"
    return error.strerror or str(error)
