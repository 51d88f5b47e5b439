"""Several people who use one queue. Used by the end to end tests of what the scheduler does among them."""

from typing import Any, Self

from tests.faults.queue.world import World

from sentinel.client import Client


class People:
    """Each with a client of their own; the world's own is an admin's. Used as a context."""

    def __init__(self, world: World) -> None:
        self._world, self._clients = world, dict[str, Client]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.close()

    def add(self, name: str, role: str = "member", group: str | None = None) -> Client:
        """A new user, as whom the client speaks."""
        admin = self._world.client
        admin.add_user(name, role, group=group)
        token = admin.create_token(name, owner=name)["token"]
        client = Client(self._world.url, token=token, ca=admin.settings.ca, timeout=10, patience=30)
        self._clients[name] = client
        return client

    def submit(self, name: str, *, seconds: float = 0.0, gate: str = "", **spec: Any) -> str:
        """A job of theirs, as in World.submit."""
        mine, self._world.client = self._world.client, self._clients[name]
        try:
            return self._world.submit(seconds=seconds, gate=gate, **spec)
        finally:
            self._world.client = mine
