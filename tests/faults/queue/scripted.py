"""A node by hand: it joins, has a certificate, and says what a test has it say, whenever and how often.

Any thread may use it. Used by the tests of messages that come twice, late and out of order.
"""

import ssl
from collections.abc import Mapping
from typing import Any

from tests.faults.queue.world import World, eventually

from sentinel.client.connection import Connection
from sentinel.client.tls import client_context
from sentinel.drivers.certificates.request import new_key, signing_request

Report = dict[str, Any]
Given = Mapping[str, Any]  # a job of the desired state


class Scripted:
    """Joined and UP, with so many GPUs and nothing on them."""

    def __init__(self, world: World, name: str, gpus: int) -> None:
        self._world = world
        self._gpus = [
            {"uuid": f"{name}-{i}", "index": i, "model": "Sim", "memory_total_bytes": 1, "blocked": None}
            for i in range(gpus)
        ]
        folder = world.folder / f"by-hand-{name}"
        folder.mkdir()
        key, token = new_key(), world.client.create_token("node", kind="join")["token"]
        csr = signing_request(key, name).decode()
        body = {"token": token, "csr": csr, "name": name, "boot_id": "b", "agent_version": "1"}
        ca = str(world.client.settings.ca)
        answer = self._ask_as(client_context(ca_file=ca), "POST", "/join", json=body)
        (folder / "node.pem").write_text(answer["certificate"])
        (folder / "node.key").write_bytes(key)
        self._context = client_context(ca_file=ca, certificate=folder / "node.pem", key=folder / "node.key")
        self.beat([], 0)
        world.is_up(name)

    def _ask_as(self, context: ssl.SSLContext, method: str, path: str, **more: Any) -> dict[str, Any]:
        connection = Connection(self._world.url, context=context)
        try:
            return connection.ask(method, f"/api/v1/agent{path}", **more).json()
        finally:
            connection.close()

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        return self._ask_as(self._context, method, path, **more)

    def beat(self, held: list[str] | None, seen: int) -> dict[str, Any]:
        body = {"boot_id": "b", "agent_version": "1", "gpus": self._gpus, "held": held, "seen": seen}
        return self._ask("POST", "/beat", json={**body, "workloads": None, "samples": None})

    def desired(self, seen: int = 0, wait: float = 0) -> dict[str, Any]:
        return self._ask("GET", f"/desired?seen={seen}&wait={wait:g}")

    def given(self, job: str, attempt: int = 1) -> Given:
        """That attempt, as soon as this node is told to run it."""

        def look() -> Given | None:
            for one in self.desired()["jobs"]:
                if (one["job"], one["attempt"]) == (job, attempt):
                    return one
            return None

        return eventually(look)  # type: ignore[return-value]

    def report(self, *reports: Report) -> list[str]:
        """The verdicts."""
        return list(self._ask("POST", "/reports", json={"reports": list(reports)})["results"])


def says(given: Given, kind: str, **more: Any) -> Report:
    """A report about that attempt."""
    return {"token": given["token"], "job": given["job"], "attempt": given["attempt"], "kind": kind, **more}


def starting(given: Given) -> Report:
    return says(given, "starting")


def running(given: Given) -> Report:
    return says(given, "running", started_at=1.5e9)


def exited(given: Given, code: int | None = 0, **more: Any) -> Report:
    how = {"exit_code": code, "signal": None, "why": "", "stopped": False}
    return says(given, "exited", **{**how, "started_at": 1.5e9, "ended_at": 1.5e9 + 1, **more})
