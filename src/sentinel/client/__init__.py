"""The SDK: `from sentinel.client import Client, AsyncClient`. Imported only once it is asked for."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentinel.client.asynchronous import AsyncClient
    from sentinel.client.sync import Client

__all__ = ["AsyncClient", "Client"]


def __getattr__(name: str) -> Any:
    if name == "Client":
        from sentinel.client.sync import Client

        return Client
    if name == "AsyncClient":
        from sentinel.client.asynchronous import AsyncClient

        return AsyncClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
